// Starts Swagger UI on our own description of the API.
//
// The description is OpenAPI 3.1; this Swagger UI reads 3.0. The two differ here in one
// way: 3.1 says "or null" as a type of its own, 3.0 as `nullable`. What is read is
// rewritten for the eye; /schema/openapi.json stays as it is.

const isNull = (schema) => schema?.type === "null";

function readable(node) {
  if (Array.isArray(node)) return node.map(readable);
  if (node === null || typeof node !== "object") return node;
  const entries = Object.entries(node).map(([name, value]) => [name, readable(value)]);
  return withoutNull(Object.fromEntries(entries));
}

function withoutNull(schema) {
  if (Array.isArray(schema.type)) return withoutNullType(schema);
  for (const name of ["oneOf", "anyOf"]) {
    const choices = schema[name];
    if (!Array.isArray(choices) || !choices.some(isNull)) continue;
    const { [name]: _, ...others } = schema;
    const left = choices.filter((choice) => !isNull(choice));
    const single = left.length === 1 && !left[0].$ref;
    return { ...others, nullable: true, ...(single ? left[0] : { [name]: left }) };
  }
  return schema;
}

function withoutNullType({ type, ...others }) {
  const left = type.filter((each) => each !== "null");
  const nullable = left.length < type.length ? { nullable: true } : {};
  if (left.length === 1) return { ...others, ...nullable, type: left[0] };
  return { ...others, ...nullable, anyOf: left.map((each) => ({ type: each })) };
}

const response = await fetch("/schema/openapi.json");
const spec = { ...readable(await response.json()), openapi: "3.0.3" };

SwaggerUIBundle({
  spec,
  dom_id: "#reference",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  validatorUrl: null, // Otherwise a host of others is asked for a badge.
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
