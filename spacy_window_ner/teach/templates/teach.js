"use strict";
(function () {
{% include "page.js" %}
  // How long until a server that does not answer is asked again, until the progress is asked for
  // again, how long nothing is typed before it is searched for, and how far two clicks are apart at
  // most that are a double click; in milliseconds.
  const AGAIN = 1000, POLL = 3000, PAUSE = 200, DOUBLE = 400;
  const N_KEYS = 9;
  const text = byId("text");

  const state = {
    // What the server said of the text: its words and what the network reads.
    reading: null,
    // The text by code points, as Python counts, and the bounds of the words that can be selected.
    characters: [], words: [],
    // What the person has said about this text, and what it was before each change.
    fixed: [], history: [],
    // What is on the screen: entities, and where one may be missing; and an element for each word.
    spots: [], elements: [],
    // The label that stays chosen, and the one used last.
    armed: null, last: null,
    // The first and the last selected word, and whether they were selected as a range by hand.
    anchor: null, cursor: null, stretched: false,
    labels: [], checked: "all", busy: false,
  };

  const pause = (time) => new Promise((done) => setTimeout(done, time));
  const percent = (score) => Math.min(99, Math.round(100 * score)) + "%";
  // Words in quotation marks, isolated from the direction of what is around them.
  const quoted = (start, end) => "“\u2068" + state.characters.slice(start, end).join("") + "\u2069”";
  const plain = ({ start, end, label }) => ({ start, end, label });
  const overlap = (one, other) => one.start < other.end && other.start < one.end;
  const say = (said) => (byId("said").textContent = said);
  const colorOf = (label) => "label" + Math.max(0, state.labels.indexOf(label)) % COLORS;

  // --- The server ---

  class Refused extends Error {
    constructor(status, detail) {
      super(detail);
      this.status = status;
    }
  }

  const once = async function (method, address, body, signal) {
    const request = { method, signal };
    if (body !== undefined) {
      request.headers = { "Content-Type": "application/json" };
      request.body = JSON.stringify(body);
    }
    const answer = await fetch(address, request);
    if (answer.status === 204) return null;
    const said = await answer.json().catch((error) => (answer.ok ? Promise.reject(error) : {}));
    byId("gone").hidden = true;
    if (!answer.ok) throw new Refused(answer.status, said.detail || "The server failed. See its log for the error.");
    return said;
  };

  // Ask until the server answers. What is asked this way can be asked twice.
  const ask = async function (method, address, body, signal) {
    for (;;) {
      try {
        return await once(method, address, body, signal);
      } catch (error) {
        if (signal && signal.aborted) throw error;
        // Behind a proxy, 502 and 504 mean that there is no server.
        if (error instanceof Refused && ![502, 503, 504].includes(error.status)) throw error;
        byId("gone").hidden = error.status === 503;
        await pause(AGAIN);
      }
    }
  };

  // Do what leads to another text; until then nothing else can be done to this one.
  const leading = async function (work) {
    if (state.busy) return;
    state.busy = true;
    text.setAttribute("aria-busy", "true");
    try {
      await work();
    } catch (error) {
      say(error.message);
      if (error.status === 409) await load();
    } finally {
      state.busy = false;
      text.removeAttribute("aria-busy");
      if (missed && state.reading) readAgain();
    }
  };

  // The last reading of this text that was asked for, and whether its answer came while something
  // else was done.
  let reading = null, missed = false;
  const readAgain = async function () {
    if (reading) reading.abort();
    missed = false;
    const mine = (reading = new AbortController());
    const { id } = state.reading;
    try {
      const found = await ask("POST", "read", { id, entities: state.fixed }, mine.signal);
      if (mine !== reading) return;
      if (state.busy) return (missed = true);
      state.reading = found;
      draw();
    } catch (error) {
      if (mine !== reading || state.busy) return;
      say(error.message);
      if (error.status === 409) leading(load);
    }
  };

  // --- The text ---

  // What is fixed in texts that are not decided, for when the page is loaded again. At the same
  // address there may be another project later, with other texts.
  const draft = {
    key: () => "teach " + state.reading.id,
    keep: () => sessionStorage.setItem(draft.key(), JSON.stringify([state.reading.text, state.fixed])),
    forget: () => sessionStorage.removeItem(draft.key()),
    take: function () {
      const [of, fixed] = JSON.parse(sessionStorage.getItem(draft.key()) || "[null, null]");
      return of === state.reading.text ? fixed : null;
    },
  };

  const HOW = {
    diverse: "Chosen because it differs from the other texts.",
    random: "Chosen at random, to measure the network.",
    informative: "Chosen because the network can learn much from it.",
    common: "This text is given to all annotators.",
    search: "Opened from the search.",
    given: "This text was already annotated.",
    doubt: "Opened because of a doubt.",
  };

  // Show a text, with what the person has said of it before.
  const show = function (found) {
    if (reading) reading.abort();
    missed = false;
    const fixed = found ? [...found.entities, ...found.outside].filter((one) => one.fixed).map(plain) : [];
    Object.assign(state, { reading: found, fixed, history: [], spots: [], elements: [] });
    Object.assign(state, { anchor: null, cursor: null, stretched: false });
    byId("how").textContent = found ? HOW[found.how] || "" : "";
    text.classList.toggle("rtl", found !== null && found.direction === "rtl");
    state.characters = found ? Array.from(found.text) : [];
    state.words = found ? found.tokens.filter(([start, end]) => state.characters.slice(start, end).join("").trim() !== "") : [];
    for (const id of ["accept", "skip", "only-checked"]) byId(id).disabled = !found;
    if (found) {
      const kept = draft.take();
      if (kept) state.fixed = kept;
      draw();
      if (kept) readAgain();
    } else {
      text.replaceChildren(make("p", "There are no more texts. You can still undo, search, or finish.", "soft"));
      describe();
    }
    text.scrollTop = 0;
    if (!document.querySelector("dialog[open]")) text.focus({ preventScroll: true });
  };
  const load = async () => show(await ask("GET", "next"));

  // What is to be seen: what the person has fixed, what the network reads elsewhere, and where it
  // is unsure.
  const compose = function () {
    const spots = state.fixed.map((one) => ({ ...one, fixed: true }));
    const free = (one) => !spots.some((other) => overlap(one, other));
    spots.push(...state.reading.entities.filter(free));
    for (const one of [...state.reading.unsure].sort((a, b) => b.score - a.score)) {
      const same = spots.find(({ start, end }) => start === one.start && end === one.end);
      if (same) same.unsure = !same.fixed;
      else if (free(one)) spots.push({ ...one, perhaps: true });
    }
    let next = 0;
    state.spots = spots.sort((a, b) => a.start - b.start).filter(function (spot) {
      spot.first = state.words.findIndex(([, end], i) => i >= next && end > spot.start);
      if (spot.first < 0 || state.words[spot.first][0] >= spot.end) return false;
      spot.last = spot.first;
      while (spot.last + 1 < state.words.length && state.words[spot.last + 1][0] < spot.end) spot.last++;
      next = spot.last + 1;
      return true;
    });
  };

  const sayOf = function (spot) {
    const said = quoted(spot.start, spot.end) + ": ";
    if (spot.label === null) return said + (spot.fixed ? "no entity" : "possibly an entity");
    if (spot.fixed) return said + spot.label;
    if (spot.perhaps) return said + "possibly " + spot.label + ", " + percent(spot.score);
    return said + spot.label + ", " + percent(spot.score) + (spot.unsure ? ", uncertain" : "");
  };

  const draw = function () {
    compose();
    const { characters, words } = state;
    state.elements = [];
    const between = (from, to) => (from < to ? [characters.slice(from, to).join("")] : []);
    let done = 0;
    const wordsUpTo = function (last) {
      const nodes = [];
      while (state.elements.length <= last) {
        const [start, end] = words[state.elements.length];
        const word = make("span", characters.slice(start, end).join(""), "word");
        nodes.push(...between(done, start), word);
        state.elements.push(word);
        done = end;
      }
      return nodes;
    };
    const nodes = [];
    for (const spot of state.spots) {
      nodes.push(...wordsUpTo(spot.first - 1), ...between(done, words[spot.first][0]));
      done = words[spot.first][0];
      nodes.push((spot.element = box(spot, wordsUpTo(spot.last))));
    }
    nodes.push(...wordsUpTo(words.length - 1), ...between(done, characters.length));
    text.replaceChildren(...nodes);
    mark();
  };

  const box = function (spot, words) {
    const element = make("span", "", "spot", spot.label === null ? "none" : colorOf(spot.label));
    element.append(...words);
    for (const kind of ["fixed", "unsure", "perhaps"]) element.classList.toggle(kind, Boolean(spot[kind]));
    element.title = sayOf(spot);
    if (spot.label !== null && !spot.perhaps) element.append(make("b", spot.label));
    const sure = spot.label === null ? "✗" : spot.fixed ? "✓" : percent(spot.score);
    element.append(make("small", spot.perhaps ? "?" : sure));
    return element;
  };

  // --- What is selected ---

  const range = () => [Math.min(state.anchor, state.cursor), Math.max(state.anchor, state.cursor)];
  const spotAt = (word) => state.spots.find(({ first, last }) => first <= word && word <= last) || null;
  const current = () => (state.cursor === null || state.stretched ? null : spotAt(state.cursor));

  const select = function (anchor, cursor, stretched = false) {
    Object.assign(state, { anchor, cursor, stretched });
    mark();
    if (cursor !== null) state.elements[cursor].scrollIntoView({ block: "nearest" });
  };
  const selectSpot = (spot) => select(spot.first, spot.last);
  const selectNone = () => select(null, null);

  const mark = function () {
    const [from, to] = state.cursor === null ? [1, 0] : range();
    const spot = current();
    const whole = spot !== null && from === spot.first && to === spot.last;
    state.elements.forEach(function (word, i) {
      word.classList.toggle("selected", !whole && from <= i && i <= to);
      // The space after it is selected, too.
      word.classList.toggle("onward", !whole && from <= i && i < to && state.words[i][1] < state.words[i + 1][0]);
    });
    for (const one of state.spots) one.element.classList.toggle("active", one === spot);
    describe();
  };

  const describe = function () {
    const spot = state.reading ? current() : null;
    const chosen = state.cursor !== null;
    const [from, to] = chosen ? range() : [];
    const words = chosen ? quoted(state.words[from][0], state.words[to][1]) : "";
    byId("choice-said").textContent = spot ? sayOf(spot) : words && words + ": choose a label";
    byId("choice-does").hidden = !spot && !state.stretched;
    byId("remove-said").textContent = spot && spot.label === null ? "Unmark" : spot && !spot.perhaps ? "Remove" : "No entity";
    byId("confirm").hidden = !spot || spot.fixed || spot.label === null;
    byId("same").hidden = !spot || (spot.label === null && !spot.fixed);
    for (const button of byId("labels").children) {
      button.setAttribute("aria-pressed", String(button.value === state.armed));
    }
  };

  const move = function (step, stretch) {
    if (state.words.length === 0) return;
    const end = state.words.length - 1;
    const [first, last] = state.cursor === null ? [end + 1, -1] : stretch ? [state.cursor, state.cursor] : range();
    const to = Math.max(0, Math.min(end, (step > 0 ? last : first) + step));
    select(stretch && state.anchor !== null ? state.anchor : to, to, stretch);
  };

  // The nearest word of the next line above or below.
  const moveLine = function (step, stretch) {
    if (state.cursor === null) return move(step, stretch);
    const places = state.elements.map((word) => word.getBoundingClientRect());
    const here = places[state.cursor], center = (place) => (place.left + place.right) / 2;
    let best = state.cursor, least = Infinity;
    places.forEach(function (place, i) {
      const rows = (step * (place.top - here.top)) / Math.max(1, here.height);
      if (rows < 0.5) return;
      const far = 1e5 * Math.round(rows) + Math.abs(center(place) - center(here));
      if (far < least) [best, least] = [i, far];
    });
    select(stretch ? state.anchor : best, best, stretch);
  };

  // Go to the next spot, or to the one before; at the end, begin again.
  const visit = function (step, wanted = () => true) {
    const spots = state.spots.filter(wanted);
    if (step < 0) spots.reverse();
    const [from, to] = state.cursor === null ? [] : range();
    const beyond = (spot) => state.cursor === null || (step > 0 ? spot.first > to : spot.last < from);
    const next = spots.find(beyond) || spots[0];
    if (next) selectSpot(next);
    return next !== undefined;
  };

  // --- Corrections ---

  // Change what is fixed; `back` takes back what else was done.
  const change = function (fixed, back = null) {
    state.history.push({ fixed: state.fixed, back });
    state.fixed = fixed;
    draft.keep();
    say("");
    draw();
    readAgain();
  };
  const without = (span) => state.fixed.filter((one) => !overlap(one, span));
  const put = function (start, end, label) {
    if (label !== null) state.last = label;
    change([...without({ start, end }), { start, end, label }]);
  };
  const selectedSpan = function () {
    const [from, to] = range();
    return { start: state.words[from][0], end: state.words[to][1] };
  };

  const label = function (chosen) {
    const { start, end } = current() || selectedSpan();
    state.stretched = false;
    put(start, end, chosen);
  };

  const choose = function (chosen) {
    if (state.busy || !state.reading) return;
    if (state.cursor !== null) return label(chosen);
    state.armed = state.armed === chosen ? null : chosen;
    describe();
  };

  // The label that the selected words would get without a word about it.
  const understood = function () {
    const spot = current();
    if (spot && spot.label !== null) return spot.label;
    const was = state.stretched ? spotAt(state.anchor) : null;
    return (was && was.label) || state.armed || state.last;
  };
  const confirm = function () {
    if (state.cursor === null || !state.reading) return say("Select words or an entity first.");
    const chosen = understood();
    if (chosen === null) return say("Choose a label first.");
    label(chosen);
  };

  const remove = function () {
    if (state.cursor === null || !state.reading) return say("Select an entity first.");
    const spot = current();
    if (!spot && !state.stretched) return say("There is no entity here.");
    const span = spot || selectedSpan();
    state.stretched = false;
    if (spot && spot.label === null && spot.fixed) change(without(span));
    else put(span.start, span.end, null);
  };

  const everywhere = async function () {
    const spot = current();
    if (!spot || (spot.label === null && !spot.fixed)) return say("Select an entity first.");
    const name = { text: state.characters.slice(spot.start, spot.end).join(""), label: spot.label };
    const known = ask("POST", "names", name);
    const back = () => known.then(() => ask("DELETE", "names", { text: name.text }));
    change([...without(spot), plain(spot)], back);
    say(quoted(spot.start, spot.end) + (name.label === null ? " is not an entity" : " is labeled " + name.label) + ", here and in the following texts.");
    await known.then(readAgain, (error) => say(error.message));
  };

  const takeBack = function () {
    const { fixed, back } = state.history.pop();
    say("");
    state.fixed = fixed;
    draft.keep();
    draw();
    return back;
  };
  const undo = async function () {
    if (state.busy) return;
    if (state.history.length === 0) return leading(undoDecision);
    const back = takeBack();
    if (back) await back().catch((error) => say(error.message));
    readAgain();
  };
  const undoDecision = async function () {
    try {
      show(await once("POST", "undo"));
      say("Undone.");
      askStatus();
    } catch (error) {
      if (error instanceof Refused) return say(error.message);
      // Perhaps it was undone: the text that one has now shows it.
      byId("gone").hidden = false;
      await load();
    }
  };

  const decide = (answer) =>
    leading(async function () {
      if (!state.reading) return;
      const entities = state.checked === "all" ? state.spots.filter((spot) => !spot.perhaps) : state.spots.filter((spot) => spot.fixed);
      const { id } = state.reading, { checked } = state;
      try {
        await ask("POST", "decide", { id, answer, entities: entities.map(plain), checked });
        say(answer === "accept" ? "Accepted." : "Skipped.");
        draft.forget();
      } catch (error) {
        if (error.status === 409) draft.forget();
        throw error;
      }
      await load();
      askStatus();
    });

  const toggleChecked = function () {
    state.checked = state.checked === "all" ? "given" : "all";
    byId("only-checked").setAttribute("aria-pressed", String(state.checked === "given"));
    text.classList.toggle("only-checked", state.checked === "given");
    say(state.checked === "all" ? "The whole text counts as checked." : "Only what you change or confirm counts as checked. The rest stays unknown.");
  };

  // --- Labels ---

  const showLabels = function (labels) {
    if (labels.join("\n") === state.labels.join("\n")) return;
    state.labels = labels;
    byId("labels").replaceChildren(
      ...labels.map(function (one, i) {
        const button = make("button", one, colorOf(one));
        Object.assign(button, { type: "button", value: one });
        if (i < N_KEYS) button.prepend(make("kbd", i + 1), " ");
        button.addEventListener("click", function (event) {
          choose(one);
          if (event.detail) leave();
        });
        return button;
      })
    );
    byId("find-label").hidden = labels.length <= N_KEYS;
    if (state.reading) draw();
  };
  // After a click: what was selected has its label.
  const leave = function () {
    if (state.cursor !== null) selectNone();
    text.focus({ preventScroll: true });
  };

  const findLabel = byId("find-label");
  const filterLabels = function () {
    const wanted = findLabel.value.toLowerCase();
    for (const button of byId("labels").children) button.hidden = !button.value.toLowerCase().includes(wanted);
  };
  const endFind = function () {
    findLabel.value = "";
    filterLabels();
    findLabel.hidden = state.labels.length <= N_KEYS;
    text.focus({ preventScroll: true });
  };
  findLabel.addEventListener("input", filterLabels);
  findLabel.addEventListener("keydown", function (event) {
    if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    const found = Array.from(byId("labels").children).filter((button) => !button.hidden);
    const same = found.find((button) => button.value.toLowerCase() === findLabel.value.toLowerCase());
    if (event.key === "Enter" && found.length) choose((same || found[0]).value);
    endFind();
  });
  const startFind = function () {
    findLabel.hidden = false;
    findLabel.focus();
  };

  const addLabel = async function () {
    try {
      const added = byId("new-label").value;
      showLabels((await ask("POST", "labels", { label: added })).labels);
      byId("add").close();
      choose(added);
    } catch (error) {
      byId("add-said").textContent = error.message;
    }
  };

  {% include "progress.js" %}

  {% include "views.js" %}

  // --- Mouse and touch ---

  let drag = null, tapped = false, last = { word: -1, time: 0, changes: 0 };
  const wordAt = function (event) {
    const under = document.elementFromPoint(event.clientX, event.clientY);
    const word = under && under.closest(".word");
    if (word) return state.elements.indexOf(word);
    const spot = under && state.spots.find(({ element }) => element === under.closest(".spot"));
    return spot ? spot.last : -1;
  };
  text.addEventListener("pointerdown", function (event) {
    if (event.button !== 0 || state.busy) return;
    const word = wordAt(event);
    if (word < 0) return selectNone();
    drag = { from: word, to: word };
    text.setPointerCapture(event.pointerId);
  });
  text.addEventListener("pointermove", function (event) {
    if (drag === null) return;
    const word = wordAt(event);
    if (word < 0 || word === drag.to) return;
    drag.to = word;
    select(drag.from, word, true);
  });
  text.addEventListener("pointercancel", function () {
    if (drag && drag.from !== drag.to) selectNone();
    drag = null;
  });
  text.addEventListener("pointerup", function (event) {
    if (drag === null || state.busy) return;
    const { from, to } = drag;
    drag = null;
    if (from === to) return click(from, event);
    select(from, to, true);
    if (state.armed) [label(state.armed), selectNone()];
  });
  const click = function (word, event) {
    const spot = spotAt(word), touch = event.pointerType === "touch";
    const first = state.anchor, extends_ = event.shiftKey || (touch && tapped && !state.armed);
    const isDouble = last.word === word && event.timeStamp - last.time < DOUBLE;
    const changed = isDouble && state.history.length > last.changes;
    last = { word, time: isDouble ? -DOUBLE : event.timeStamp, changes: state.history.length };
    tapped = false;
    if (extends_ && first !== null && first !== word) return select(first, word, true);
    if (spot && !isDouble) return answer(spot);
    // The second of two clicks takes back what the first one has changed.
    if (changed) [takeBack(), readAgain()];
    select(word, word, isDouble);
    if (state.armed) [label(state.armed), selectNone()];
    else tapped = true;
  };
  // One click says that an entity is none, or that there is one after all; another one takes it
  // back. The spot stays selected, so that a label can follow.
  const answer = function (spot) {
    selectSpot(spot);
    if (spot.perhaps) put(spot.start, spot.end, state.armed || spot.label);
    else remove();
  };

  const clicked = {
    accept: () => decide("accept"), skip: () => decide("skip"), undo, confirm, remove, same: everywhere,
    "only-checked": toggleChecked, "to-search": () => open("search"), "to-doubts": startDoubts,
    "to-keys": () => open("keys"), "to-add": () => open("add"), "add-it": addLabel, finish,
    take: () => answerDoubt(true), keep: () => answerDoubt(false),
  };
  for (const [id, work] of Object.entries(clicked)) {
    byId(id).addEventListener("click", function (event) {
      work();
      // The keys are for the text again.
      if (event.detail && !document.querySelector("dialog[open]")) text.focus({ preventScroll: true });
    });
  }
  document.addEventListener("click", function (event) {
    if (!event.target.closest("#export summary")) byId("export").open = false;
  });

  // --- Dialogs and keys ---

  const open = function (id) {
    byId(id).showModal();
    byId("query").select();
    byId("new-label").value = byId("add-said").textContent = "";
  };
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("close", () => text.focus({ preventScroll: true }));
    dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  }
  byId("new-label").addEventListener("keydown", function (event) {
    if (event.key === "Enter" && !event.isComposing) addLabel();
  });

  const enter = () => (state.stretched && understood() !== null ? confirm() : decide("accept"));
  // If nothing is left to close, Tab moves to the buttons, so that the text does not trap the focus.
  let leaving = false;
  const escape = function () {
    if (byId("export").open) byId("export").open = false;
    else if (state.cursor !== null) selectNone();
    else if (state.armed !== null) state.armed = null;
    else leaving = true;
    describe();
  };
  const isUnsure = (spot) => spot.unsure || spot.perhaps;
  const VIEWS = {
    "/": () => open("search"), "?": () => open("keys"), "+": () => open("add"), d: startDoubts, f: startFind,
  };
  // What is done to a text, and not while the next one is on its way.
  const KEYS = {
    Delete: remove, x: remove, l: confirm, e: everywhere, c: toggleChecked, Escape: escape,
    n: () => visit(1), p: () => visit(-1), u: () => visit(1, isUnsure),
  };
  const ONCE = { Enter: enter, " ": () => decide("skip") };
  const right = () => (getComputedStyle(text).direction === "rtl" ? -1 : 1);
  const MOVES = {
    ArrowRight: (stretch) => move(right(), stretch), ArrowLeft: (stretch) => move(-right(), stretch),
    ArrowUp: (stretch) => moveLine(-1, stretch), ArrowDown: (stretch) => moveLine(1, stretch),
    Home: (stretch) => move(-state.words.length, stretch), End: (stretch) => move(state.words.length, stretch),
  };

  // The key that is meant, also on keyboards of other scripts.
  const keyOf = function (event) {
    const code = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(event.code);
    if (event.key in KEYS || event.key in VIEWS || !code || (event.shiftKey && !/^[A-Z]$/i.test(event.key))) return event.key;
    return /^[A-Z]$/i.test(event.key) ? event.key.toLowerCase() : code[1].toLowerCase();
  };

  const onKey = function (event) {
    const key = keyOf(event);
    const digit = /^[1-9]$/.test(key) ? state.labels[Number(key) - 1] : undefined;
    if (key === "Tab" && (leaving || document.activeElement !== text)) return (leaving = false);
    if (key === "Tab") return visit(event.shiftKey ? -1 : 1);
    if (key !== "Shift") leaving = false;
    if (key === "Backspace") event.repeat || undo();
    else if (key in ONCE) event.repeat || ONCE[key]();
    else if (key in VIEWS) VIEWS[key]();
    else if (state.busy) return false;
    else if (key in MOVES) state.reading && MOVES[key](event.shiftKey);
    else if (key in KEYS) KEYS[key]();
    else if (digit !== undefined) choose(digit);
    else return false;
    return true;
  };

  document.addEventListener("keydown", function (event) {
    const undoing = (event.ctrlKey || event.metaKey) && event.key === "z";
    if (event.isComposing || event.altKey || ((event.ctrlKey || event.metaKey) && !undoing)) return;
    const dialog = document.querySelector("dialog[open]");
    const doubt = { t: true, k: false }[event.key];
    if (dialog) return dialog.id === "doubts" && doubt !== undefined && !event.repeat ? answerDoubt(doubt) : undefined;
    if (event.target.matches("input, select, textarea")) return;
    // A control that has the focus is worked as everywhere.
    if (event.target.matches("button, a, summary") && ["Enter", " "].includes(event.key)) return;
    if (undoing) event.repeat || undo();
    else if (!onKey(event)) return;
    event.preventDefault();
  });

  showLabels(JSON.parse(byId("labels").dataset.labels));
  leading(load);
  askStatus();
})();
