// Marks of the reading. All text of responses goes into the page as text nodes; marks leave it as a file.
const $ = id => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const rows = data.rows, marks = rows.map(() => ({ mark: null, note: "" }));
const WORDS = {
  read: { right: ["read rightly", "the response's final answer is this one"], wrong: ["read wrongly", "it states another answer, or none"] },
  unread: { right: ["rightly unread", "no answer is stated"], wrong: ["wrongly unread", "it states an answer"] },
};
const UNSURE = ["cannot say", "counted, and left out of the shares"];
const HALVES = /[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g;
// Half a character cannot be shown: it is written as the escape that it is in the file.
const visible = text => text.replace(HALVES, found => found.length > 1 ? found : "\\u" + found.charCodeAt(0).toString(16));
let at = 0, unsaved = false;

function say(text) {
  $("amiss").textContent = text;
  $("amiss").hidden = !text;
}

function show(next) {
  at = Math.min(Math.max(next, 0), rows.length - 1);
  const row = rows[at], read = row.stratum === "read", [before, place, after] = row.text.map(visible);
  $("which").textContent = visible([`row ${at + 1} of ${rows.length}`, row.world.replaceAll("_", " "), row.mode + (row.sample ? ` sample ${row.sample}` : ""), row.id].join(" · "));
  $("kind").textContent = (read ? "Read as the answer" : "Nothing was read") + (row.asked ? `; asked for: ${row.asked}` : "");
  $("read").textContent = read ? visible(row.read) : "(no answer)";
  $("read").classList.toggle("nothing", !read);
  $("why").textContent = visible([row.why, row.quote === null ? "" : `a language model quoted: ${row.quote}`, row.cut_off ? "the response was cut off at the token limit" : ""].filter(Boolean).join("; "));
  $("asked").hidden = row.question === null;
  $("question").textContent = row.question === null ? "" : visible(row.question);
  const pane = $("response");
  pane.replaceChildren(before);
  if (place) {
    const found = document.createElement("mark");
    found.textContent = place;
    pane.append(found, after);
    pane.scrollTop = found.offsetTop - pane.clientHeight / 2;
  } else pane.scrollTop = pane.scrollHeight;
  const long = pane.scrollHeight > pane.clientHeight + 1;
  $("place").textContent = !long ? "" : place ? "scrolled to a likely place; scroll for the rest" : "scrolled to the end; scroll for the rest";
  for (const button of document.querySelectorAll(".marks button")) {
    const [name, meaning] = WORDS[row.stratum][button.dataset.mark] ?? UNSURE;
    button.querySelector("b").textContent = name;
    button.querySelector("small").textContent = meaning;
  }
  $("note").value = marks[at].note;
  $("back").disabled = at === 0;
  $("on").disabled = at === rows.length - 1;
  paint();
  pane.focus({ preventScroll: true });
}

function paint() {
  for (const button of document.querySelectorAll(".marks button")) button.setAttribute("aria-pressed", marks[at].mark === button.dataset.mark);
  [...$("strip").children].forEach((square, n) => {
    const { mark, note } = marks[n];
    mark === null ? delete square.dataset.state : square.dataset.state = mark;
    n === at ? square.setAttribute("aria-current", "true") : square.removeAttribute("aria-current");
    square.setAttribute("aria-label", `row ${n + 1}: ${mark === null ? "no mark" : (WORDS[rows[n].stratum][mark] ?? UNSURE)[0]}${note ? ", with a note" : ""}`);
  });
  const done = marks.filter(one => one.mark !== null).length;
  $("progress").textContent = `${done} of ${rows.length} marked` + (unsaved ? " · unsaved" : "");
}

function change(mark) {
  marks[at].mark = mark;
  unsaved = true;
  say("");
  if (mark === null || !$("advance").checked) return paint();
  nextUnmarked();
}

function nextUnmarked() {
  for (let step = 1; step <= rows.length; step++) {
    const n = (at + step) % rows.length;
    if (marks[n].mark === null) return show(n);
  }
  paint();
}

function save() {
  const person = $("person").value.trim(), now = new Date(), two = n => String(n).padStart(2, "0");
  const file = {
    idf_audit: data.format, person, saved: `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`, run: data.run,
    marks: rows.map(({ id, mode, sample, response, reading, stratum }, n) => ({ id, mode, sample, response, reading, stratum, ...marks[n] })),
  };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 1) + "\n"], { type: "application/json" }));
  link.download = `audit-marks${person ? "-" + person.replace(/[^\p{L}\p{N}_.-]+/gu, "-") : ""}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  unsaved = false;
  paint();
}

async function load(file) {
  let told;
  try { told = JSON.parse(await file.text()); } catch { return say(`${file.name} is no file of marks: it is not JSON.`); }
  if (told?.idf_audit !== data.format || !Array.isArray(told.marks)) return say(`${file.name} is no file of marks that this page can read.`);
  const same = ["responses", "readings", "seed", "rows"].every(key => told.run?.[key] === data.run[key]);
  if (!same) return say(`${file.name} holds marks of another page: its run, readings, --rows or --seed differ.`);
  const place = new Map(rows.map((row, n) => [JSON.stringify([row.id, row.mode, row.sample]), n]));
  let taken = 0, kept = 0;
  for (const one of told.marks) {
    const n = place.get(JSON.stringify([one?.id, one?.mode, one?.sample])), known = ["right", "wrong", "unsure"].includes(one?.mark);
    if (n === undefined) continue;
    if (known && marks[n].mark === null) { marks[n].mark = one.mark; taken++; }
    else if (known && marks[n].mark !== one.mark) kept++;
    if (typeof one.note === "string" && !marks[n].note) marks[n].note = one.note;
  }
  if (typeof told.person === "string" && !$("person").value) $("person").value = told.person;
  unsaved ||= kept > 0;
  say(`${taken} marks loaded from ${file.name}` + (kept ? `; ${kept} rows keep the other mark that they have here.` : "."));
  const next = marks.findIndex(one => one.mark === null);
  show(next < 0 ? at : next);
}

rows.forEach((_, n) => {
  const square = document.createElement("button");
  square.type = "button";
  square.textContent = n + 1;
  square.addEventListener("click", () => show(n));
  $("strip").append(square);
});
for (const button of document.querySelectorAll(".marks button")) button.addEventListener("click", () => change(button.dataset.mark));
$("note").addEventListener("input", () => { marks[at].note = $("note").value; unsaved = true; paint(); });
$("person").addEventListener("input", () => { unsaved = true; paint(); });
$("back").addEventListener("click", () => show(at - 1));
$("on").addEventListener("click", () => show(at + 1));
$("save").addEventListener("click", save);
$("load").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", async () => {
  for (const file of $("file").files) await load(file);
  $("file").value = "";
});
document.addEventListener("keydown", event => {
  if (event.key === "Escape" && event.target.closest("textarea, input")) return $("response").focus({ preventScroll: true });
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("textarea, input[type=text]")) return;
  const act = {
    1: () => change("right"), 2: () => change("wrong"), 3: () => change("unsure"), 0: () => change(null),
    ArrowLeft: () => show(at - 1), ArrowRight: () => show(at + 1), u: nextUnmarked, s: save,
    n: () => $("note").focus(), q: () => { $("asked").open = !$("asked").open; },
  }[event.key];
  if (act) { event.preventDefault(); act(); }
});
window.addEventListener("beforeunload", event => { if (unsaved) event.preventDefault(); });
show(0);
