// What the tests ask of a page's looks; each function gives what is wrong, as texts.
(() => {
  const seen = (element) =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    !element.closest(".unseen, .skip, .tip, [hidden], noscript") &&
    getComputedStyle(element.closest("thead") ?? element).clipPath === "none";

  const name = (element) =>
    `${element.tagName.toLowerCase()}${element.id && `#${element.id}`}.${element.getAttribute("class") ?? ""}`;

  // Texts, fields and buttons: what must not lie on each other.
  function pieces() {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
      const { parentElement: holder, data } = walker.currentNode;
      if (!data.trim() || !seen(holder) || holder.closest("title, desc, script")) continue;
      const range = document.createRange();
      range.selectNodeContents(walker.currentNode);
      for (const box of range.getClientRects()) found.push({ holder, box, text: data.trim() });
    }
    for (const holder of document.querySelectorAll("button, input:not([type=radio]), .meter")) {
      if (seen(holder)) found.push({ holder, box: holder.getBoundingClientRect(), text: name(holder) });
    }
    return found;
  }

  const meet = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1.5 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2.5;

  function overlaps() {
    const all = pieces();
    const wrong = [];
    all.forEach((a, index) => {
      for (const b of all.slice(index + 1)) {
        if (a.holder.contains(b.holder) || b.holder.contains(a.holder)) continue;
        if (meet(a.box, b.box)) wrong.push(`${a.text} | ${b.text}`);
      }
    });
    return wrong;
  }

  // Nothing sticks out of the window, or out of a card, but where it can be scrolled to.
  function overflows() {
    const wrong = [];
    if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page is too wide");
    for (const { holder, box, text } of pieces()) {
      if (holder.closest("pre, .scroll")) continue;
      const card = (holder.closest(".card") ?? document.body).getBoundingClientRect();
      if (box.left < card.left - 1 || box.right > card.right + 1) wrong.push(text);
    }
    return wrong;
  }

  const rgb = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };

  function ground(element) {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.a === 1) return colour;
    }
    return { r: 255, g: 255, b: 255 };
  }

  const light = (value) =>
    value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const luminance = ({ r, g, b }) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);

  function ratio(a, b) {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  }

  // WCAG 2.2: 4.5 for texts, 3 for what has to be told apart without reading.
  function contrasts() {
    const wrong = [];
    for (const { holder, text } of pieces()) {
      if (holder.matches(".meter, input")) continue;
      const style = getComputedStyle(holder);
      const colour = rgb(holder.closest("svg") ? style.fill : style.color);
      const found = ratio(colour, ground(holder));
      if (found < 4.5) wrong.push(`${text}: ${found.toFixed(2)}`);
    }
    for (const shape of document.querySelectorAll(".bar, .swatch, .fill")) {
      if (!seen(shape)) continue;
      const style = getComputedStyle(shape);
      const colour = rgb(shape.closest("svg") ? style.fill : style.backgroundColor);
      const found = ratio(colour, ground(shape.parentElement));
      if (found < 3) wrong.push(`${name(shape)}: ${found.toFixed(2)}`);
    }
    return wrong;
  }

  // What axe would ask first.
  function unnamed() {
    const wrong = [];
    const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
    for (const field of all("input")) if (!field.labels.length) wrong.push(`${name(field)} has no label`);
    for (const button of all("button, a, summary, th")) if (!button.textContent.trim()) wrong.push(`${name(button)} has no name`);
    for (const image of document.images) if (!image.hasAttribute("alt")) wrong.push(`${name(image)} has no alt`);
    for (const table of all("table")) if (!table.caption) wrong.push("a table has no caption");
    for (const header of all("th")) if (!header.scope) wrong.push(`${header.textContent} heads nothing`);
    for (const named of all("[aria-labelledby], [aria-describedby], [aria-controls]")) {
      for (const kind of ["aria-labelledby", "aria-describedby", "aria-controls"]) {
        for (const id of (named.getAttribute(kind) ?? "").split(" ").filter(Boolean)) {
          if (!document.getElementById(id)) wrong.push(`${name(named)} points at ${id}`);
        }
      }
    }
    const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
    wrong.push(...ids.filter((id, index) => ids.indexOf(id) !== index));
    if (all("h1").length !== 1) wrong.push(`${all("h1").length} headings of the page`);
    for (const landmark of ["header", "main", "footer"]) {
      if (all(landmark).length !== 1) wrong.push(`${landmark} is not there once`);
    }
    return wrong;
  }

  // WCAG 2.2: 24 pixels for what is pressed, but for links in a line of text.
  function small() {
    const targets = [...document.querySelectorAll("button, .range label, .check, summary")];
    return targets.filter(seen).flatMap((target) => {
      const { width, height } = target.getBoundingClientRect();
      return Math.min(width, height) < 24 ? [name(target)] : [];
    });
  }

  return { overlaps: overlaps(), overflows: overflows(), contrasts: contrasts(), unnamed: unnamed(), small: small() };
})();
