// What a person looks at and decides: a held entry with the texts of its files, edits, what a pass would change, the
// last commits. All of it is made of text nodes, so that nothing in a file is ever markup; characters that cannot be seen
// are written out. Each press says what was seen: the service refuses it where that is no more, and the view is asked for
// anew. What somebody typed stays in this tab until it is taken.

const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;
const DECIDED = { keep: "yours stays", take: "theirs is taken", merged: "the merge is taken" };
const SIDES = { base: "Installed version", ours: "Yours", theirs: "New version" };

const codeOf = (character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
export const visible = (text) => text.replace(UNSEEN, (character) => `\u27e8${codeOf(character)}\u27e9`);

function wordFor(choice, file) {
  if (choice === "keep") return file.there === "nothing" ? "Keep it deleted" : "Keep mine";
  return file.upstream ? "Take theirs" : "Delete it, as upstream did";
}

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") node.addEventListener("click", value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function button(text, about, press) {
  return make("button", { type: "button", "aria-label": about ? `${text}: ${about}` : null, onclick: press }, text);
}

function shown(text, label) {
  return make("pre", { tabindex: "0", role: "region", "aria-label": label }, visible(text));
}

function diffOf(lines, label, more = 0) {
  const node = make("pre", { tabindex: "0", role: "region", "aria-label": label, class: "diff" });
  const kinds = { "+": "ins", "-": "del" };
  let run = [];
  let kind = "";
  const flush = () => {
    if (run.length) node.append(make(kind || "span", {}, `${visible(run.join("\n"))}\n`));
    run = [];
  };
  for (const line of lines) {
    const head = line.startsWith("+++") || line.startsWith("---");
    const next = (!head && kinds[line[0]]) || "";
    if (next !== kind) flush();
    kind = next;
    run.push(line);
  }
  flush();
  if (more) node.append(`... and ${more} more lines`);
  return node;
}

// The first marker of a merge is what somebody came for.
function showFirst(field) {
  const at = field.value.search(/^<{7}( |$)/m);
  if (at < 0) return;
  const line = field.value.slice(0, at).split("\n").length - 1;
  field.scrollTop = (line - 1) * (field.scrollHeight / field.value.split("\n").length);
  field.setSelectionRange(at, at);
}

function sizeOf(bytes) {
  return bytes < 10000 ? `${bytes} bytes` : `${(bytes / 1048576).toFixed(2)} MiB`;
}

function unseenIn(text) {
  const found = [];
  text.split("\n").forEach((line, number) => {
    for (const [character] of line.matchAll(UNSEEN)) found.push(`${codeOf(character)} in line ${number + 1}`);
  });
  return found.slice(0, 5).join(", ");
}

export function makeDesk(ask, announce, refocus, dress) {
  const dialog = document.getElementById("desk");
  const [head, said, body] = ["desk-head", "desk-said", "desk-body"].map((id) => document.getElementById(id));
  const drafts = new Map();
  let now = null; // what is open: { kind, root, entry }
  let turn = 0; // answers of an older view are not shown

  const query = (more) => new URLSearchParams({ project: now.root, ...(now.entry ? { entry: now.entry } : {}), ...more });
  const draftKey = (path) => JSON.stringify([now.root, now.entry, path]);

  async function open(kind, root, entry) {
    now = { kind, root, entry };
    said.textContent = "";
    head.textContent = visible(entry ? `${entry} in ${root}` : root);
    body.replaceChildren(make("p", {}, "Loading ..."));
    if (!dialog.open) dialog.showModal();
    head.focus();
    await load();
  }

  async function load() {
    const mine = ++turn;
    try {
      const nodes = await VIEWS[now.kind]();
      if (mine !== turn) return;
      body.replaceChildren(...nodes.filter((node) => node !== null));
      dress();
    } catch (error) {
      if (mine === turn) body.replaceChildren(make("p", {}, visible(`Cannot be shown: ${error.message}`)), button("Try again", "", load));
    }
  }

  async function press(path, sent, done) {
    const buttons = dialog.querySelectorAll("button, textarea");
    for (const one of buttons) one.disabled = true;
    said.textContent = "Working ...";
    try {
      await ask(path, { project: now.root, ...(now.entry ? { entry: now.entry } : {}), ...sent });
      said.textContent = done;
      announce(visible(`${now.entry ?? now.root}: ${done}`));
      if (sent.paths?.length) for (const one of sent.paths) drafts.delete(draftKey(one));
    } catch (error) {
      said.textContent = visible(`${error.message}${error.hint ? ` (${error.hint})` : ""}`);
    } finally {
      for (const one of buttons) one.disabled = false;
    }
    await load();
    head.focus();
  }

  // A held entry

  async function held() {
    const { entry } = await ask(`/v1/held?${query({})}`);
    if (!entry.held) return [make("p", {}, "Nothing waits for you here."), button("Close", "", () => dialog.close())];
    const left = entry.files.filter((file) => file.choice === null);
    const decide = (choice, seen, paths, done) => press("/v1/resolve", { choice, seen, paths }, done);
    const whole = [];
    if (!entry.step_back) whole.push(button("Keep all mine", entry.ref, () => decide("keep", entry.seen, [], "yours stays")));
    whole.push(button("Take all theirs", entry.ref, () => decide("take", entry.seen, [], `${entry.waiting} is taken`)));
    const merges = entry.files.some((file) => file.choices.includes("merged"));
    if (merges) whole.push(button("Merge all that merges", entry.ref, () => decide("merge", entry.seen, [], "merged")));
    const rows = entry.files.map((file) => row(file, decide, entry.files.length === 1));
    return [
      make("p", {}, `${entry.version || "nothing"} is installed, ${entry.waiting} waits. `,
        entry.files.length ? `${left.length} of ${entry.files.length + entry.more} files to decide; nothing is written before all are.` : ""),
      make("p", {}, ...whole),
      ...rows,
      entry.more ? make("p", {}, `${entry.more} more files: decide on all at once, or with micropkgd resolve.`) : null,
    ];
  }

  function row(file, decide, opened) {
    const here = file.there === "nothing" ? "deleted here" : file.there === "file" ? "edited here" : file.there;
    const there = file.upstream ? "changed upstream" : "gone upstream";
    const word = file.choice ? `\u2713 ${DECIDED[file.choice] ?? file.choice}` : "\u25c6 to decide";
    const node = make("details", { "data-path": file.path, "data-state": file.choice ? "Ready" : "Held", open: opened || openPaths.has(draftKey(file.path)) },
      make("summary", {}, `${word}: ${visible(file.path)} `, make("small", {}, `${here}, ${there}`)));
    const inside = make("div", {}, make("p", {}, "Loading ..."));
    node.append(inside);
    const fill = async () => {
      if (!node.open || node.dataset.filled) return;
      node.dataset.filled = "yes";
      try {
        const { texts } = await ask(`/v1/held?${query({ path: file.path })}`);
        inside.replaceChildren(...textsOf(texts, decide).filter((one) => one !== null));
      } catch (error) {
        delete node.dataset.filled;
        inside.replaceChildren(make("p", {}, visible(`Cannot be shown: ${error.message}`)));
      }
    };
    node.addEventListener("toggle", () => {
      openPaths[node.open ? "add" : "delete"](draftKey(file.path));
      fill();
    });
    fill();
    return node;
  }
  const openPaths = new Set();

  function textsOf(texts, decide) {
    const { file, sides } = texts;
    const press = (choice) => decide(choice, file.seen, [file.path], DECIDED[choice]);
    const parts = Object.entries(SIDES).map(([name, title]) => {
      const side = sides[name];
      if (!side) return null;
      const what = side.size === null ? "no such file" : side.why || null;
      const size = side.size === null ? "" : ` (${sizeOf(side.size)})`;
      return make("section", {}, make("h4", {}, `${title}${size}`),
        what ? make("p", {}, what) : shown(side.text, `${title} of ${file.path}`));
    });
    const buttons = file.choices.filter((choice) => choice !== "merged").map((choice) =>
      button(wordFor(choice, file), file.path, () => press(choice)));
    return [
      make("p", {}, ...buttons),
      ...merge(texts),
      texts.edits.length ? make("h4", {}, "What you changed") : null,
      texts.edits.length ? diffOf(texts.edits, `What you changed in ${file.path}`) : null,
      texts.upstream.length ? make("h4", {}, "What changed upstream") : null,
      texts.upstream.length ? diffOf(texts.upstream, `What changed upstream in ${file.path}`) : null,
      make("div", { class: "sides" }, ...parts.filter((part) => part !== null)),
    ];
  }

  function merge(texts) {
    const { file, sides: { merged } } = texts;
    if (!file.choices.includes("merged")) return [];
    if (!texts.editable) {
      const why = merged.why || "it has line ends of both kinds";
      return [make("h4", {}, "Merge"), make("p", {}, `It cannot be edited here: ${why}. micropkgd resolve --edit opens it.`)];
    }
    const key = draftKey(file.path);
    const id = `merge-${file.seen}`;
    const field = make("textarea", { id, rows: "14", spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off" });
    field.value = drafts.get(key) ?? merged.text;
    requestAnimationFrame(() => showFirst(field));
    const unseen = make("p", { class: "hint" });
    const warn = () => {
      const found = unseenIn(field.value);
      unseen.textContent = found ? `Has characters that cannot be seen: ${found}` : "";
    };
    field.addEventListener("input", () => {
      drafts.set(key, field.value);
      warn();
    });
    warn();
    const save = () => press("/v1/resolve", { choice: "merged", seen: file.seen, paths: [file.path], text: field.value }, DECIDED.merged);
    const again = () => {
      drafts.delete(key);
      field.value = merged.text;
      warn();
    };
    return [
      make("h4", {}, make("label", { for: id }, texts.problem ? "Merge: join both sides, take the markers out" : "Merge of both sides")),
      texts.problem ? make("p", { class: "hint" }, `As it lies there it cannot be taken: ${texts.problem}`) : null,
      field,
      unseen,
      make("p", {}, button("Take this merge", file.path, save), " ", button("Undo typing", file.path, again)),
    ];
  }

  // Edits, what a pass would change, the last commits

  async function diff() {
    const { entry } = await ask(`/v1/held?${query({})}`);
    const found = await ask(`/v1/diff?${query({})}`);
    if (found.problem) return [make("p", {}, visible(`${found.problem}. ${found.hint}`))];
    if (!found.paths.length) return [make("p", {}, "Nothing is edited here.")];
    const count = `${found.paths.length} ${found.paths.length === 1 ? "file" : "files"}`;
    return [
      make("p", {}, `${count} edited since ${found.version}.`),
      make("p", {},
        button("Accept these edits", now.entry, () => press("/v1/accept", { seen: found.seen }, "accepted")), " ",
        button("Take them back", now.entry, () => press("/v1/resolve", { choice: "take", seen: entry.seen, paths: [] }, "taken back"))),
      diffOf(found.lines, "What you changed", found.more),
    ];
  }

  async function pending() {
    const found = await ask(`/v1/diff?${query({ edits: "0" })}`);
    const nothing = found.lines.length ? null : make("p", {}, "A pass would change nothing of it.");
    const problem = found.problem ? make("p", {}, visible(`${found.problem}. ${found.hint}`)) : null;
    return [problem, problem ? null : nothing, found.lines.length ? diffOf(found.lines, "What a pass would change", found.more) : null];
  }

  async function history() {
    const project = new URLSearchParams({ project: now.root });
    const { commits } = await ask(`/v1/history?${project}`);
    const ours = commits.filter((commit) => !now.entry || commit.deeds.some((deed) => deed.entry === now.entry));
    const last = commits[0]?.id;
    const nodes = ours.map((commit, number) => {
      const deeds = commit.deeds.filter((deed) => !now.entry || deed.entry === now.entry);
      const older = ours.slice(number + 1).flatMap((one) => one.deeds).find((deed) => now.entry && deed.entry === now.entry);
      const can = number === 0 && (commit.before || commit.id === last);
      const to = older?.version ? `Roll back to ${older.version}` : "Take this back";
      const sent = { to: commit.before, last };
      return make("section", {},
        make("h4", {}, make("time", { datetime: commit.time }, commit.time), ` ${visible(commit.trigger ?? "")}`),
        ...deeds.map((deed) => make("p", {}, visible(`${deed.action} ${deed.entry} ${deed.version}`))),
        make("details", {}, make("summary", {}, `${commit.changes.length + commit.more} files`),
          make("ul", {}, ...commit.changes.map((change) => make("li", {}, visible(change.path))),
            ...(commit.more ? [make("li", {}, `and ${commit.more} more`)] : []))),
        can ? make("p", {}, button(to, now.entry ?? "", () => press("/v1/rollback", sent, "rolled back"))) : null);
    });
    return nodes.length ? nodes : [make("p", {}, "Nothing is kept of it.")];
  }

  const VIEWS = { held, diff, pending, history };

  dialog.addEventListener("close", () => {
    if (dialog.open) return; // it was opened again before it was told that it closed
    turn += 1;
    refocus(now);
  });
  dialog.querySelector("[data-desk=close]").addEventListener("click", () => dialog.close());
  return open;
}
