// Shows what waits for an approval, and answers it. Text is only ever set as text, never as markup.

const { api, execution } = document.body.dataset;
const main = document.getElementById("waiting");
const field = document.getElementById("token");
const KEPT = "pipeline-engine-token"; // for this tab only

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

async function call(path, options = {}) {
  const headers = { Authorization: `Bearer ${field.value}`, "Content-Type": "application/json" };
  const response = await fetch(`${api}${path}`, { ...options, headers });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? answer.title ?? `HTTP ${response.status}`);
  return answer;
}

function place(one) {
  const item = one.item_index === null ? "" : `[${one.item_index}]`;
  return `${one.within ? `${one.within}/` : ""}${one.step_id}${item}`;
}

function names(asked) {
  const found = [...asked.users, ...asked.groups.map((group) => `group ${group}`)];
  return found.length ? found.join(", ") : "whoever may control the execution";
}

function said(decision) {
  const word = decision.approved ? "yes" : "no";
  return `${decision.by ?? "somebody"} said ${word}${decision.comment ? `: ${decision.comment}` : ""}`;
}

function facts(one) {
  const yes = one.decisions.filter((decision) => decision.approved).length;
  const rows = [
    ["Step", `${one.step_name} (${place(one)})`],
    ["Pipeline", one.pipeline_name],
    ["Asked", names(one.asked)],
    ["Approvals", `${yes} of ${one.asked.required}`],
    ["Until", new Date(one.deadline).toLocaleString()],
    ...one.decisions.map((decision) => ["Said", said(decision)]),
  ];
  const cells = rows.map(([name, value]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value)),
  );
  return element("table", {}, ...cells);
}

function card(one) {
  const comment = element("input", { "aria-label": "Comment", placeholder: "Comment", maxlength: 1000 });
  const state = element("p", { role: "status" });
  const buttons = [
    ["Approve", true],
    ["Refuse", false],
  ].map(([label, approved]) => {
    const button = element("button", { type: "button" }, label);
    button.addEventListener("click", () => answer(one, approved, comment.value, buttons, state));
    return button;
  });
  const title = element("h2", {}, one.message || one.step_name);
  return element("section", {}, title, facts(one), element("p", {}, comment, " ", ...buttons), state);
}

async function answer(one, approved, comment, buttons, state) {
  for (const button of buttons) button.disabled = true;
  const { step_id, item_index, within } = one;
  const body = { approved, reason: comment || null, step_id, item_index, within };
  try {
    await call(`/executions/${one.execution_id}/approval`, { method: "POST", body: JSON.stringify(body) });
    state.textContent = approved ? "Your yes was kept." : "Your no was kept.";
  } catch (error) {
    state.textContent = error.message;
    for (const button of buttons) button.disabled = false;
  }
}

async function show() {
  try {
    const found = await call(`/approvals?page_size=100&execution_id=${encodeURIComponent(execution)}`);
    sessionStorage.setItem(KEPT, field.value);
    const cards = found.approvals.map(card);
    main.replaceChildren(...(cards.length ? cards : [element("p", {}, "Nothing waits for you here.")]));
  } catch (error) {
    main.replaceChildren(element("p", { role: "alert" }, error.message));
  }
}

document.getElementById("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});
field.value = sessionStorage.getItem(KEPT) ?? "";
if (field.value) show();
