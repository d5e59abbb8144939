// The browser of responses. All text goes into the page as text nodes; the data is inflated in parts, when it is needed.
const $ = id => document.getElementById(id);

async function inflated(text) {
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
}
const parts = new Map();  // of promises: a part that is asked for twice is inflated once
const part = name => parts.get(name) ?? parts.set(name, inflated($(name).textContent)).get(name);

if (!("DecompressionStream" in window)) {
  $("held").className = "notice loud";
  await new Promise(() => {});  // the page's own sentence says what is missing, and nothing below can run
}
const [rows, held] = await Promise.all([part("index"), part("places")]);
const [ID, WORLD, MODE, DIFFICULTY, OUTCOME, CAUSE, SAMPLE, ITEM, LINE] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const PAGE = 100;
// Where the details of a row or an item are: in which part, and at which place there.
const rowPlaces = new Map(), itemPlaces = new Map();
held.parts.forEach(([inRows, inItems], n) => {
  inRows.forEach((at, place) => rowPlaces.set(at, [n, place]));
  inItems.forEach((at, place) => itemPlaces.set(at, [n, place]));
});
async function details(kind, places, at) {
  if (!places.has(at)) return null;
  const [n, place] = places.get(at);
  return (await part(`details-${n}`))[kind][place];
}
const HALVES = /[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g;
// An address cannot hold half a character: it stands there as a question mark.
const nameOf = row => (`${row[ID]}@${row[MODE]}` + (row[SAMPLE] ? `.${row[SAMPLE]}` : "")).replace(HALVES, found => found.length > 1 ? found : "?");
const byName = new Map(), byId = new Map();
rows.forEach((row, at) => {
  byName.set(nameOf(row), at);
  byId.has(row[ID]) ? byId.get(row[ID]).push(at) : byId.set(row[ID], [at]);
});

// Half a character cannot be shown: it is written as the escape that it is in the file.
const visible = text => text.replace(HALVES, found => found.length > 1 ? found : "\\u" + found.charCodeAt(0).toString(16));

function element(tag, attributes, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  for (const child of inside.flat()) {
    if (child !== null && child !== undefined) made.append(child.nodeType ? child : document.createTextNode(visible(String(child))));
  }
  return made;
}

// --- the list --------------------------------------------------------------------------------------------------

const filters = {};
let matching = [], page = 0, chosen = -1;

function countsOf(column) {
  const counts = new Map();
  for (const row of rows) if (row[column] !== null) counts.set(row[column], (counts.get(row[column]) ?? 0) + 1);
  return counts;
}

function makeFilters() {
  const options = (counts, prefix = "") => [...counts].map(([value, n]) => element("option", { value: prefix + value }, `${value} (${n})`));
  for (const [key, column] of [["world", WORLD], ["mode", MODE], ["difficulty", DIFFICULTY]]) {
    filters[key] = element("select", { name: key }, element("option", { value: "" }, "all"), options(countsOf(column)));
  }
  const causes = countsOf(CAUSE), undiagnosed = rows.filter(row => row[OUTCOME] !== "correct" && row[CAUSE] === null).length;
  if (undiagnosed) causes.set("undiagnosed", undiagnosed);
  filters.outcome = element("select", { name: "outcome" }, element("option", { value: "" }, "all"),
    element("option", { value: "not correct" }, `not correct (${rows.filter(row => row[OUTCOME] !== "correct").length})`),
    element("optgroup", { label: "outcome" }, options(countsOf(OUTCOME))),
    causes.size ? element("optgroup", { label: "cause" }, options(causes, "cause:")) : null);
  if (rowPlaces.size < rows.length) {
    filters.response = element("select", { name: "response" }, element("option", { value: "" }, "all"), element("option", { value: "here" }, `in this page (${rowPlaces.size})`));
  }
  filters.search = element("input", { type: "search", name: "search", placeholder: "text in the id", spellcheck: "false" });
  for (const [key, input] of Object.entries(filters)) {
    $("filters").append(element("label", {}, key === "search" ? "id" : key, input));
    input.addEventListener("input", () => filter());
  }
  const all = element("button", { type: "button", id: "reset" }, "Show all");
  all.addEventListener("click", () => { setFilters({}); filter(); });
  $("filters").append(all);
  $("filters").addEventListener("submit", event => event.preventDefault());
}

function setFilters(values) {
  for (const [key, input] of Object.entries(filters)) {
    input.value = values[key] ?? "";
    if (input.selectedIndex === -1) input.value = "";
  }
}

function matches(row, at) {
  const { world, mode, difficulty, outcome, response, search } = filters;
  if (response?.value && !rowPlaces.has(at)) return false;
  if (world.value && row[WORLD] !== world.value || mode.value && row[MODE] !== mode.value) return false;
  if (difficulty.value && row[DIFFICULTY] !== difficulty.value) return false;
  if (search.value && !row[ID].toLowerCase().includes(search.value.trim().toLowerCase())) return false;
  const which = outcome.value;
  if (!which) return true;
  if (which === "not correct") return row[OUTCOME] !== "correct";
  if (which === "cause:undiagnosed") return row[OUTCOME] !== "correct" && row[CAUSE] === null;
  return which.startsWith("cause:") ? row[CAUSE] === which.slice(6) : row[OUTCOME] === which;
}

function filter() {
  matching = [];
  rows.forEach((row, at) => { if (matches(row, at)) matching.push(at); });
  const place = matching.indexOf(chosen);
  showPage(place < 0 ? 0 : Math.floor(place / PAGE));
  if (!matching.length) {
    chosen = -1;
    fill([element("p", { class: "nothing" }, "No response is like that.")]);
  } else if (place < 0) open(matching[0]);
}

function showPage(number) {
  page = number;
  const begin = page * PAGE, some = matching.slice(begin, begin + PAGE);
  $("rows").replaceChildren(...some.map(at => {
    const row = rows[at], extra = row[SAMPLE] ? ` ·${row[SAMPLE]}` : "";
    const kind = row[CAUSE] ? `${row[OUTCOME]}, ${row[CAUSE]}` : row[OUTCOME];
    return element("li", {}, element("a", { href: "#" + encodeURIComponent(nameOf(row)), "aria-current": at === chosen ? "true" : null, "aria-label": `${row[ID]}, ${row[MODE]}, ${kind}`, title: kind, "data-at": at },
      element("i", { class: `chip o-${row[OUTCOME]}` }), element("span", { class: rowPlaces.has(at) ? "name" : "name none" }, row[ID]), element("small", {}, row[MODE] + extra)));
  }));
  const n = matching.length.toLocaleString("en"), all = rows.length.toLocaleString("en");
  $("count").textContent = !matching.length ? `none of ${all} responses` : `${begin + 1}–${begin + some.length} of ${n}` + (n === all ? "" : `, ${all} in all`);
  $("back").disabled = page === 0;
  $("on").disabled = begin + PAGE >= matching.length;
}

// --- one response ----------------------------------------------------------------------------------------------

async function choose(at, { reveal = false, focus = false } = {}) {
  chosen = at;
  let place = matching.indexOf(at);
  if (place < 0) { setFilters({}); matching = rows.map((_, n) => n); page = -1; place = at; }
  if (Math.floor(place / PAGE) !== page) showPage(Math.floor(place / PAGE));
  for (const link of $("rows").querySelectorAll("a")) {
    const here = Number(link.dataset.at) === at;
    here ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    if (!here) continue;
    const list = $("rows");  // scrolls the list alone, not the page
    if (link.offsetTop < list.scrollTop + list.offsetTop) list.scrollTop = link.offsetTop - list.offsetTop;
    const below = link.offsetTop + link.offsetHeight - list.offsetTop - list.clientHeight;
    if (below > list.scrollTop) list.scrollTop = below;
    if (focus) link.focus({ preventScroll: true });
  }
  const shown = await showItem(at);
  if (shown && reveal) $("responses").scrollIntoView();
}

// Whether it is shown: not if another one was chosen while its part was inflated.
async function showItem(at) {
  const row = rows[at];
  $("item").setAttribute("aria-busy", "true");
  const [said, item] = await Promise.all([details("rows", rowPlaces, at), details("items", itemPlaces, row[ITEM])]);
  if (chosen !== at) return false;
  const right = row[OUTCOME] === "correct";
  const twins = byId.get(row[ID]).map(other => {
    const it = rows[other];
    return element("a", { href: "#" + encodeURIComponent(nameOf(it)), "aria-current": other === at ? "true" : null },
      element("i", { class: `chip o-${it[OUTCOME]}` }), it[MODE] + (it[SAMPLE] ? ` sample ${it[SAMPLE]}` : ""));
  });
  const cause = row[CAUSE] ? element("p", { class: "verdict" }, element("b", {}, row[CAUSE]), said?.cause_detail ? `: ${said.cause_detail}` : "") : null;
  fill([
    element("div", { class: "top" }, element("h3", { class: "name" }, row[ID]), element("span", { class: "badges" }, [row[WORLD], row[DIFFICULTY], said?.size ? `size ${said.size}` : null].filter(Boolean).join(" · "))),
    element("div", { class: "siblings", "aria-label": "This item in other modes and samples", role: "group" }, twins),
    element("p", { class: "verdict" }, element("b", { class: right ? "good" : "bad" }, row[OUTCOME]), said?.detail ? `: ${said.detail}` : ""),
    cause, said && facts(said, item), item && question(row, item), ...(said && item ? replay(row, said, item) : []),
    ...(said?.turns ? turnsOf(said.turns) : said ? [element("h4", {}, "Response, in full"), element("pre", { id: "response" }, said.response === "" ? "(empty)" : said.response)]
      : [element("p", { id: "left-out" }, `Its response is not in this page: samples.jsonl, line ${row[LINE]}.`)])].filter(Boolean));
  return true;
}

function turnsOf(turns) {
  return [element("h4", {}, `Turns, ${turns.length}`), ...turns.map((turn, n) => element("div", { class: "turn" },
    element("pre", {}, turn.seen), element("pre", { id: n ? null : "response" }, turn.said === "" ? "(empty)" : turn.said),
    element("p", { class: "verdict" }, `${turn.asks}: `, element("b", { class: ["wrong", "illegal", "unreadable", "answer wrong"].includes(turn.came) ? "bad" : "good" }, turn.came))))];
}

function fill(children) {
  $("item").replaceChildren(...children);
  $("item").removeAttribute("aria-busy");
}

function facts(said, item) {
  const parsed = said.parsed === null ? "nothing" : typeof said.parsed === "string" ? said.parsed
    : Array.isArray(said.parsed) ? said.parsed.join(" ") || "an empty plan" : typeof said.parsed === "object" ? Object.entries(said.parsed).map(pair => pair.join(" ")).join(", ") : String(said.parsed);
  const list = [["parsed", parsed, "mono"]];
  if (item) list.push([item.plans ? `an optimal plan (${item.actions.length} moves)` : "true answer", item.truth, "mono"]);
  if (said.moves !== null) list.push(["moves", `${said.moves} in the answer, ${said.optimal} are enough`]);
  if (said.solved_prefix !== null) list.push(["goal held", `after move ${said.solved_prefix}, and the plan went on`]);
  const tokens = [said.completion_tokens === null ? null : `${said.completion_tokens} generated`, said.prompt_tokens === null ? null : `${said.prompt_tokens} in the prompt`].filter(Boolean).join(", ");
  if (tokens || said.finish_reason) list.push(["tokens", [tokens, said.finish_reason === null ? null : `ended by ${said.finish_reason}`].filter(Boolean).join("; ")]);
  if (said.seconds !== null) list.push(["time", `${said.seconds} s`]);
  return element("dl", { class: "pairs" }, list.flatMap(([name, value, style]) => [element("dt", {}, name), element("dd", { class: style }, value)]));
}

function question(row, item) {
  const [text, why] = item.questions[row[MODE]];
  const unknown = $("no-prompts") !== null;
  const asked = element("div", {}, element("pre", { id: "question", tabindex: "0" }, text ?? `The question cannot be shown: ${why}`),
    unknown && text !== null ? element("small", {}, "The run does not say with which prompts it asked: this is the default wording.") : null);
  const caption = row[MODE] === "tqa" ? "drawn by idf from the start state; the model did not see it (tqa)" : "drawn by idf from the start state";
  const picture = item.picture ? element("figure", {}, element("img", { src: item.picture, alt: `The start of ${row[ID]}` }), element("figcaption", {}, caption))
    : element("figure", {}, element("figcaption", {}, "no picture embedded for this item"));
  return element("div", {}, element("h4", {}, "Question"), element("div", { class: "asked" }, picture, asked));
}

// --- the replay ------------------------------------------------------------------------------------------------

function stepsOf(said, item) {
  const { claims, stop, first } = said.replay, actions = said.replay.actions ?? item.actions, states = said.replay.states ?? item.states;
  const last = Math.max(states.length - (stop ? 0 : 1), ...Object.keys(claims).map(Number));
  return Array.from({ length: last + 1 }, (_, n) => {
    const [ok, text] = claims[n] ?? [null, null];
    return { n, action: n ? actions[n - 1] ?? null : null, state: states[n] ?? null, claimed: ok ? states[n] : text, ok, silent: text === null,
      stop: stop !== null && n === states.length ? stop : null, first: n === first, goal: n > 0 && n === said.solved_prefix };
  });
}

function replay(row, said, item) {
  const steps = stepsOf(said, item), { along, first } = said.replay;
  const missing = said.replay.stop ? "not replayed after an illegal move" : item.plans ? "the plan has ended" : "there is no such step";
  const ended = step => step.stop ?? step.state ?? missing;
  const whose = { made: "along the moves that were made", answer: "along the plan of the answer", claims: "along the moves that the response claims, as no plan could be read", course: item.plans ? "along an optimal plan, as the response names no plan" : "along the actions of the problem" }[along];
  const left = said.replay.stop ? (said.replay.actions ?? item.actions).length - said.replay.states?.length : 0;
  const body = element("tbody", {}, steps.map(step => element("tr", { class: step.first ? "first" : null },
    element("td", {}, step.n || "start"), element("td", {}, step.action ?? (step.n ? "–" : "")),
    element("td", { class: "state" }, ended(step)), element("td", { class: "state" }, ...claimOf(step)))));
  const slider = element("input", { type: "range", min: 0, max: steps.length - 1, value: 0, "aria-label": "Step" });
  const told = element("output", { id: "step" }), panes = element("div", { class: "states" });
  const button = (label, id, to) => { const made = element("button", { type: "button", id }, label); made.addEventListener("click", () => go(to())); return made; };
  let now = 0;
  const go = to => {
    now = Math.min(Math.max(to, 0), steps.length - 1);
    const step = steps[now];
    slider.value = now;
    told.textContent = now ? `step ${now} of ${steps.length - 1}${step.action ? `: ${step.action}` : ""}` : steps.length === 2 ? "start, 1 step" : `start, ${steps.length - 1} steps`;
    [...body.rows].forEach((line, n) => line.classList.toggle("now", n === now));
    panes.replaceChildren(
      element("div", {}, element("h5", {}, step.stop ? "true state, before the illegal move" : "true state"), drawState(row[WORLD], step.stop ? steps[now - 1].state : step.state, item), element("p", {}, ended(step))),
      element("div", {}, element("h5", {}, step.first ? "claimed: the first error" : "claimed by the response"), step.silent ? null : drawState(row[WORLD], step.claimed, item), element("p", {}, ...claimOf(step))));
  };
  slider.addEventListener("input", () => go(Number(slider.value)));
  [...body.rows].forEach((line, n) => line.addEventListener("click", () => go(n)));
  const toError = first !== null && first < steps.length ? button("first error", "first-error", () => first) : null;
  go(toError ? first : 0);
  return [element("h4", {}, `Replay ${whose}`),
    element("div", { class: "stepper" }, button("‹", "step-back", () => now - 1), told, button("›", "step-on", () => now + 1), slider, toError), panes,
    element("div", { class: "long", tabindex: "0", role: "region", "aria-label": "All steps" }, element("table", { class: "steps" }, element("thead", {}, element("tr", {}, ["step", "action", "true state", "claimed"].map(name => element("th", { scope: "col" }, name)))), body)),
    left > 0 ? element("p", { class: "note" }, left === 1 ? "The last move of the plan is not replayed." : `${left} further moves of the plan are not replayed.`) : null].filter(Boolean);
}

function claimOf(step) {
  const error = step.first ? element("b", { class: "bad" }, "first error ") : null;
  const goal = step.goal ? element("b", { class: "good" }, "goal holds ") : null;
  if (step.silent) return [error, goal, element("span", { class: "none" }, step.state === null && !step.stop ? "" : "nothing claimed")];
  if (step.ok) return [error, goal, element("span", { class: "good" }, "✓"), element("span", { class: "none" }, " as it is")];
  const sign = step.ok === false ? element("span", { class: "bad" }, "✗ ") : null;
  return [error, goal, sign, ...(step.ok === false && step.state ? differences(step.claimed, step.state) : [step.claimed])];
}

// Marks the words of a claim that differ from the true state, if both end in equally many words.
function differences(claimed, state) {
  const words = claimed.split(/([\s,;:/()]+)/), truth = state.toLowerCase().split(/[\s,;:/()]+/).filter(Boolean);
  const places = words.flatMap((word, at) => at % 2 === 0 && word ? [at] : []).slice(-truth.length);
  if (places.length < truth.length) return [claimed];
  const wrong = new Set(places.filter((at, n) => words[at].toLowerCase().replace("grey", "gray") !== truth[n].replace("grey", "gray")));
  return words.map((word, at) => wrong.has(at) ? element("mark", {}, word) : word);
}

// --- keys and addresses ----------------------------------------------------------------------------------------

function follow() {
  let target = location.hash.slice(1);
  try { target = decodeURIComponent(target); } catch { /* a bare per cent sign: taken as it is */ }
  const at = byName.get(target) ?? byId.get(target)?.[0];
  if (at !== undefined) return choose(at, { reveal: true });
  if (location.hash.startsWith("#?")) {
    setFilters(Object.fromEntries(new URLSearchParams(location.hash.slice(2))));
    chosen = -1;
    filter();
    $("responses").scrollIntoView();
  }
}

function open(at, options) {
  history.replaceState(null, "", "#" + encodeURIComponent(nameOf(rows[at])));
  choose(at, options);
}

function move(by, focus) {
  const place = matching.indexOf(chosen), next = place < 0 ? 0 : place + by;
  if (next >= 0 && next < matching.length) open(matching[next], { focus });
}

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.target.closest("input, select, textarea, .scroll")) return;
  const inList = event.target.closest("#rows") !== null;
  const by = { ArrowLeft: -1, ArrowRight: 1, ...(inList ? { ArrowUp: -1, ArrowDown: 1 } : {}) }[event.key];
  if (by) { event.preventDefault(); move(by, inList); }
  if (event.key === "/") { event.preventDefault(); filters.search.focus(); }
});
$("back").addEventListener("click", () => showPage(page - 1));
$("on").addEventListener("click", () => showPage(page + 1));
$("parts").addEventListener("change", () => document.querySelector(".summary").classList.toggle("open", $("parts").checked));
window.addEventListener("hashchange", follow);

const [pictured, known] = held.pictures;
$("held").textContent = !held.items ? "Only the stored responses are here, not the items of the suite: no picture, question or replay can be shown."
  : pictured < known ? `Pictures are embedded for ${pictured.toLocaleString("en")} of ${known.toLocaleString("en")} items, taken in turn from every world, mode and difficulty; ${(known - pictured).toLocaleString("en")} have none here.` : "";
makeFilters();
matching = rows.map((_, at) => at);
showPage(0);
if (matching.length) choose(matching.find(at => rowPlaces.has(at)) ?? 0);
follow();
document.documentElement.classList.add("js");
