// The key that was asked to be kept until the tab is closed: sessionStorage, and nothing
// that outlives the tab. A browser may refuse even that; then the key is not kept.

const NAME = "smally.key";

export const keptKey = () => attempt(() => sessionStorage.getItem(NAME)) ?? "";
export const keepKey = (key) => attempt(() => sessionStorage.setItem(NAME, key));
export const dropKey = () => attempt(() => sessionStorage.removeItem(NAME));

function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}
