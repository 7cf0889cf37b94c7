// Shows the OpenAPI document. Text is only ever set as text, never as markup.

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function resolved(api, node) {
  if (!node || !node.$ref) return node;
  return node.$ref.slice(2).split("/").reduce((found, key) => found[key], api);
}

function typeOf(api, schema) {
  const name = schema.$ref ? schema.$ref.split("/").pop() : null;
  const found = resolved(api, schema) ?? {};
  if (name) return name;
  if (found.enum) return found.enum.join(" | ");
  if (found.type === "array") return `${typeOf(api, found.items ?? {})}[]`;
  const type = Array.isArray(found.type) ? found.type.join(" | ") : found.type;
  return found.format ? `${type} (${found.format})` : type ?? "any";
}

// A sketch of a value of this schema; schemas that contain themselves end at their name.
function sketch(api, schema, seen = []) {
  const name = schema.$ref;
  const found = resolved(api, schema) ?? {};
  if (name && seen.includes(name)) return typeOf(api, schema);
  const deeper = name ? [...seen, name] : seen;
  if (found.type === "array") return [sketch(api, found.items ?? {}, deeper)];
  if (!found.properties) return typeOf(api, schema);
  const required = found.required ?? [];
  return Object.fromEntries(
    Object.entries(found.properties).map(([key, value]) => [
      required.includes(key) ? `${key} *` : key,
      sketch(api, value, deeper),
    ]),
  );
}

function table(api, parameters) {
  const rows = parameters.map((given) => {
    const parameter = resolved(api, given);
    return element(
      "tr",
      {},
      element("td", {}, element("code", {}, parameter.name + (parameter.required ? " *" : ""))),
      element("td", {}, parameter.in),
      element("td", {}, typeOf(api, parameter.schema ?? {})),
      element("td", {}, parameter.description ?? ""),
    );
  });
  const head = ["name", "in", "type", "about"].map((word) => element("th", { scope: "col" }, word));
  return element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
}

function content(api, title, node) {
  const found = resolved(api, node) ?? {};
  const [type, media] = Object.entries(found.content ?? {})[0] ?? [];
  const parts = [element("h3", {}, [title, found.description, type].filter(Boolean).join(" · "))];
  if (media?.schema) {
    parts.push(element("pre", {}, JSON.stringify(sketch(api, media.schema), null, 2)));
  }
  return parts;
}

function operation(api, path, method, found, shared) {
  const parameters = [...shared, ...(found.parameters ?? [])];
  const body = element("div", { class: "body" });
  if (found.description) body.append(element("p", {}, found.description));
  if (parameters.length) body.append(element("h3", {}, "Parameters"), table(api, parameters));
  if (found.requestBody) body.append(...content(api, "Body", found.requestBody));
  for (const [status, answer] of Object.entries(found.responses ?? {})) {
    body.append(...content(api, status, answer));
  }
  const summary = element(
    "summary",
    {},
    element("span", { class: "method" }, method.toUpperCase()),
    element("span", { class: "path" }, path),
    element("span", { class: "about" }, found.summary ?? ""),
  );
  const made = element("details", {}, summary, body);
  made.dataset.text = `${method} ${path} ${found.summary ?? ""} ${JSON.stringify(found)}`.toLowerCase();
  return made;
}

function sections(api) {
  const byTag = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((known) => item[known])) {
      const tag = item[method].tags?.[0] ?? "other";
      const made = operation(api, path, method, item[method], item.parameters ?? []);
      byTag.set(tag, [...(byTag.get(tag) ?? []), made]);
    }
  }
  return [...byTag].map(([tag, made]) => element("section", {}, element("h2", {}, tag), ...made));
}

function find(word) {
  for (const section of document.querySelectorAll("section")) {
    const all = [...section.querySelectorAll("details")];
    for (const one of all) one.hidden = !one.dataset.text.includes(word);
    section.hidden = all.every((one) => one.hidden);
  }
}

const answer = await fetch(document.body.dataset.document);
const api = await answer.json();
document.getElementById("about").textContent = `${api.info.version} · ${api.info.description ?? ""}`;
document.getElementById("operations").replaceChildren(...sections(api));
document.getElementById("find").addEventListener("input", (event) => {
  find(event.target.value.trim().toLowerCase());
});
