// The page of `idf play`. Below: what both pages share, a scene to act in (scene.html), a suite to answer (person.html).
"use strict";

const at = id => document.getElementById(id);

// --- what both pages share --------------------------------------------------------------------------------------

const key = new URLSearchParams(location.search).get("key");

/** Ask the server for an action of idf/play; what is wrong is shown, and gives null. */
async function ask(action, asked = {}) {
  at("amiss").hidden = true;
  try {
    const reply = await fetch(`/${action}`, { method: "POST", headers: { "X-Key": key }, body: JSON.stringify(asked), keepalive: action === "pause" });
    const told = await reply.json();
    if (reply.ok) return told;
    amiss(told.error);
  } catch {
    amiss("No reply: has the command idf play ended? Start it again, and open the address that it prints.");
  }
  return null;
}

function amiss(why) {
  at("amiss").textContent = why;
  at("amiss").hidden = false;
}

/** An element with texts and elements in it; texts stay texts. */
function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function button(text, does, shortcut) {
  const made = element("button", { type: "button", onclick: does }, text);
  if (shortcut) {
    made.append(" ", element("kbd", {}, shortcut));
    made.setAttribute("aria-keyshortcuts", shortcut);
  }
  return made;
}

function options(select, names, chosen) {
  select.replaceChildren(...names.map(name => element("option", { value: name, selected: name === chosen }, name)));
}

// --- a scene to act in ------------------------------------------------------------------------------------------

// What an arrow key may mean, in any world.
const ARROWS = { ArrowUp: ["u", "back", "top"], ArrowDown: ["d", "front", "bottom"], ArrowLeft: ["l", "left"], ArrowRight: ["r", "right"] };

let scene = null; // {world, difficulty, seed, index}
let moves = []; // since its start
let shown = null; // what the server told of them
let hinted = null; // the solver's next move

function chosenScene() {
  return { world: at("world").value, difficulty: at("difficulty").value, seed: Number(at("seed").value), index: Number(at("index").value) };
}

/** Draw another scene. */
async function draw() {
  if (!at("choose").reportValidity()) return;
  at("status").textContent = "Drawing …";
  if (!(await go([], chosenScene()))) {
    at("status").textContent = "";
    return;
  }
  at("response").value = "";
  at("verdict").replaceChildren();
  at("replay").hidden = at("replayed").hidden = true;
  await prompt();
}

/** Show where some moves lead; a move that breaks a rule is said, and changes nothing. */
async function go(wanted, where = scene, said = "") {
  const told = await ask("show", { scene: where, moves: wanted });
  if (!told) return false;
  [scene, moves, shown, hinted] = [where, wanted, told, null];
  const focused = at("moves").contains(document.activeElement);
  at("task").textContent = told.task;
  at("goal").textContent = told.goal ? `To reach: ${told.goal}` : "";
  at("picture").src = told.picture;
  at("picture").alt = `The scene now. In words: ${told.state}`;
  at("state").textContent = told.state;
  at("form").textContent = `Answer: ${told.form}`;
  at("moves").replaceChildren(...told.legal.map((move, n) => button(move, () => queue(() => make(move)), n < 9 ? String(n + 1) : "")));
  at("given").textContent = told.given.length ? `The actions to imagine: ${told.given.join(" ")}` : "";
  at("made").textContent = wanted.join(" ") || "none";
  at("undo").disabled = at("again").disabled = !wanted.length;
  at("hinted").disabled = true;
  at("status").textContent = said ? `${said} ${told.said}` : told.said;
  if (focused) (at("moves").firstChild ?? at("hint")).focus();
  return true;
}

const make = move => go([...moves, move]);
const undo = () => moves.length && go(moves.slice(0, -1));
const again = () => moves.length && go([]);
const makeHinted = () => hinted !== null && make(hinted);

function nextScene() {
  at("index").value = Number(at("index").value) + 1;
  return draw();
}

async function hint() {
  const told = await ask("next", { scene, moves });
  if (!told) return;
  hinted = told.move;
  at("hinted").disabled = hinted === null;
  at("status").textContent = told.said;
}

async function prompt() {
  const told = await ask("prompt", { scene, mode: at("mode").value, prompts: at("prompts").value });
  at("prompt").textContent = told ? told.prompt : "";
  at("pictured").textContent = told ? (told.pictured ? "with the picture of the start" : "without a picture") : "";
}

async function judge() {
  at("verdict").textContent = "Judging …";
  const told = await ask("judge", { scene, response: at("response").value });
  at("verdict").replaceChildren();
  at("replayed").hidden = true;
  at("replay").hidden = !told?.steps.length;
  if (!told) return;
  const say = (name, text) => text === null ? "" : element("p", {}, `${name}: `, element("span", { className: "mono" }, text));
  at("verdict").append(
    element("p", { className: told.correct ? "good" : "bad" }, told.correct ? "correct" : told.error, `: ${told.detail}`),
    say("read as", told.parsed), say("a true answer", told.truth), say("cause", told.cause), say("why", told.cause_detail),
    say("the replay ends", told.stop), say("first wrong step", told.first === null ? null : String(told.first)));
  at("steps").replaceChildren(...told.steps.map((step, n) => {
    const actions = told.steps.slice(1, n + 1).map(one => one.action);
    const claim = step.claim === null ? element("td", {}, step.claimed || "nothing")
      : element("td", {}, element("span", { className: step.claim ? "good" : "bad" }, step.claim ? "the same" : "false"), step.claim ? "" : `: ${step.claimed}`);
    const see = button(n ? `${n}. ${step.action}` : "start", () => queue(() => replayed(n, actions)));
    return element("tr", {}, element("td", {}, see), element("td", { className: "mono" }, step.state), claim);
  }));
}

/** Show a step of the replay, above and beside the table. */
async function replayed(number, actions) {
  if (!(await go(actions, scene, `Step ${number} of the response.`))) return;
  at("replayed").src = shown.picture;
  at("replayed").alt = `After step ${number}. In words: ${shown.state}`;
  at("replayed").hidden = false;
}

const KEYS = { Backspace: undo, 0: again, h: hint, m: makeHinted, n: nextScene };

/** What a key does now; undefined if nothing. An illegal arrow is made, too: the server says which rule it breaks. */
function meaning(key) {
  const move = shown.legal[Number(key) - 1] ?? shown.actions.find(one => ARROWS[key]?.includes(one));
  return move ? () => make(move) : KEYS[key];
}

// Keys and clicks may come faster than replies: each is done when what came before is shown.
let before = Promise.resolve();

function queue(does) {
  before = before.then(does);
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !shown || event.target.closest("input, select, textarea")) return;
  if (event.key in ARROWS ? event.target.closest(".scroll") || !meaning(event.key) : !(event.key in KEYS || /^[1-9]$/.test(event.key))) return;
  event.preventDefault();
  queue(() => meaning(event.key)?.());
}

async function tryWorlds() {
  const about = await ask("about");
  if (!about) return;
  options(at("world"), about.worlds, about.first.world);
  options(at("difficulty"), about.difficulties, about.first.difficulty);
  options(at("mode"), about.modes, "vtqa");
  options(at("prompts"), about.prompts, about.prompts[0]);
  at("seed").value = about.first.seed;
  at("index").value = about.first.index;
  at("choose").onsubmit = event => { event.preventDefault(); queue(draw); };
  at("world").onchange = at("difficulty").onchange = () => queue(draw);
  at("new").onclick = () => queue(nextScene);
  at("undo").onclick = () => queue(undo);
  at("again").onclick = () => queue(again);
  at("hint").onclick = () => queue(hint);
  at("hinted").onclick = () => queue(makeHinted);
  at("mode").onchange = at("prompts").onchange = prompt;
  at("judge").onclick = judge;
  at("response").onkeydown = event => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) judge(); };
  document.onkeydown = pressed;
  await draw();
}

// --- a suite to answer ------------------------------------------------------------------------------------------

let current = null; // the item that is shown

function count(told) {
  [at("progress").max, at("progress").value] = [told.items, told.answered];
}

/** Show the open item; its clock runs. */
async function item() {
  const told = await ask("show");
  if (!told) return;
  const another = current?.id !== told.id;
  current = told;
  count(told);
  at("number").textContent = `Item ${told.number} of ${told.items}`;
  at("picture").hidden = told.picture === null;
  if (told.picture !== null) at("picture").src = told.picture;
  at("prompt").textContent = told.prompt;
  at("form").textContent = told.form;
  at("words").replaceChildren(...told.words.map(word => button(word, () => {
    at("answer").value = `${at("answer").value} ${word}`.trim();
  })));
  if (another) at("answer").value = "";
  [at("closed").hidden, at("item").hidden] = [true, false];
  scrollTo(0, 0); // to the picture: on a phone the answer stands far below it
  at("answer").focus({ preventScroll: true });
}

async function pause() {
  if (at("item").hidden) return;
  [at("closed").hidden, at("item").hidden] = [false, true];
  at("picture").removeAttribute("src");
  at("prompt").textContent = "";
  at("open").textContent = "Go on";
  at("open").focus();
  if (await ask("pause")) at("status").textContent = "Paused. The clock stands.";
}

async function keep(text) {
  at("keep").disabled = at("give-up").disabled = true; // a second press is no second answer
  const told = await ask("answer", { id: current.id, text });
  at("keep").disabled = at("give-up").disabled = false;
  if (!told) return at("answer").focus();
  count(told);
  if (told.answered < told.items) {
    at("status").textContent = `${told.answered} of ${told.items} are answered.`;
    return item();
  }
  at("item").hidden = true;
  at("number").textContent = "All is answered. Thank you.";
  at("status").textContent = "The command in the terminal writes the results; you may close this page.";
  at("number").focus();
}

function keepWritten() {
  if (at("answer").value.trim()) return keep(at("answer").value);
  amiss("Write an answer first, or press “I do not know”.");
  at("answer").focus();
}

async function answerSuite() {
  const told = await ask("about");
  if (!told) return;
  count(told);
  at("status").textContent = `${told.answered} of ${told.items} are answered.`;
  at("open").onclick = item;
  at("pause").onclick = pause;
  at("keep").onclick = keepWritten;
  at("give-up").onclick = () => keep("");
  at("answer").onkeydown = event => {
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); keepWritten(); }
  };
  window.addEventListener("pagehide", pause);
  at("open").focus();
}

document.body.id === "scene" ? tryWorlds() : answerSuite();
