"use strict";
(function () {
{% include "page.js" %}
  const percent = (n, of) => (of ? (100 * n) / of : 0).toFixed(1);

  // The table of the threshold: spans are sorted, the most probable first.
  const data = byId("scored");
  if (data) {
    const scored = JSON.parse(data.textContent);
    const slider = byId("threshold");
    const cursor = byId("cursor");
    const left = Number(cursor.dataset.left), width = Number(cursor.dataset.width);
    const total = scored.labels.length;
    const show = function () {
      const threshold = Number(slider.value);
      const found = new Array(total + 1).fill(0), right = new Array(total + 1).fill(0);
      for (const [label, p, correct] of scored.spans) {
        if (p <= threshold) break;
        found[label] += 1;
        found[total] += 1;
        right[label] += correct;
        right[total] += correct;
      }
      const gold = [...scored.gold, scored.gold.reduce((a, b) => a + b, 0)];
      byId("threshold-value").textContent = threshold.toFixed(2);
      for (let row = 0; row <= total; row++) {
        const cells = byId("threshold-table").tBodies[0].rows[row].cells;
        cells[1].textContent = percent(right[row], found[row]);
        cells[2].textContent = percent(right[row], gold[row]);
        cells[3].textContent = percent(2 * right[row], found[row] + gold[row]);
        cells[4].textContent = right[row];
        cells[5].textContent = found[row];
      }
      const x = (left + threshold * width).toFixed(1);
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
    };
    slider.addEventListener("input", show);
    show();
  }

  // Lists, by pages.
  const PAGE = 50;
  const listed = JSON.parse(byId("listed").textContent);
  const colorOf = colorsOf(listed.labels);
  const ticked = new Set();
  const count = (n) => n.toLocaleString("en");
  const wordsOf = (item) => listed.passages[item.at[0]].words;

  const sentence = function (item) {
    const [, start, stop] = item.at, words = wordsOf(item), p = document.createElement("p");
    const has = (span, i) => i < stop && span && span[0] <= i && i < span[1];
    const markOf = (i) =>
      has(item.gold, i) ? (has(item.read, i) ? "both" : "gold") : has(item.read, i) ? "read" : "";
    if (item.cut?.[0]) p.append("… ");
    for (let i = start; i < stop; ) {
      const kind = markOf(i);
      let text = "";
      do text += words[i++];
      while (i < stop && markOf(i) === kind);
      // The space after a name is not part of it.
      const inner = kind && !markOf(i) ? text.trimEnd() : text;
      p.append(kind ? make("mark", inner, kind) : inner, text.slice(inner.length));
    }
    if (item.cut?.[1]) p.append(" …");
    return p;
  };

  const tag = (label, said = label) => make("span", said, "tag", colorOf(label));
  const named = function (item, span) {
    const text = wordsOf(item).slice(span[0], span[1]).join("").split(/\s+/).join(" ").trim();
    return [make("b", text), " ", tag(span[2])];
  };
  const said = function (...parts) {
    const p = make("p", "", "said");
    p.append(...parts);
    return p;
  };
  const error = function (item) {
    const { gold, read, p, others } = item;
    const facts = gold ? ["annotated ", ...named(item, gold)] : ["not annotated"];
    facts.push(...(read ? [" · predicted ", ...named(item, read)] : [" · not predicted"]));
    if (p !== undefined) facts.push(" · probability " + (read ? "" : "of the annotation ") + p.toFixed(2));
    const lines = [said(...facts)];
    if (others) {
      const likely = others.flatMap(([text, label, p]) => [" " + text + " ", tag(label, label + " " + p.toFixed(2))]);
      lines.push(said("candidates:", ...likely));
    }
    return lines;
  };
  const doubt = function (item) {
    const reading = (span) => (span ? named(item, span) : [make("b", "no entity")]);
    const [p, q] = [item.p, item.instead].map((p) => " " + p.toFixed(3));
    return [said("annotated ", ...reading(item.gold), p, " · more likely ", ...reading(item.read), q)];
  };

  const box = function (name, change) {
    const input = document.createElement("input");
    input.type = "checkbox";
    input.autocomplete = "off";
    const label = make("label", "");
    label.append(input, " " + name);
    input.addEventListener("change", () => change(input.checked));
    return { input, label };
  };
  const tick = function (items, isTicked) {
    for (const item of items) isTicked ? ticked.add(item) : ticked.delete(item);
    showTicked();
  };
  const entry = function (item, number, facts, refresh) {
    const line = document.createElement("li");
    const own = box(number, function (isTicked) {
      tick([item], isTicked);
      refresh();
    });
    own.input.checked = ticked.has(item);
    own.input.setAttribute("aria-label", "Select " + number);
    const head = make("div", "", "head");
    head.append(own.label);
    if (item.kind in listed.classes) head.append(make("span", listed.classes[item.kind], "tag"));
    line.append(head, sentence(item), ...facts(item));
    return line;
  };

  // A list in a place of the page, of the items that fit.
  const list = function (place, fits) {
    const name = place.dataset.list, items = listed.lists[name];
    const facts = name === "doubts" ? doubt : error;
    const rows = make("ul", "", "excerpts");
    let shown = [], first = 0;
    const here = () => shown.slice(first, first + PAGE);
    const pagers = [0, 1].map(function (isBelow) {
      const pager = make("div", "", "pager"), where = make("output", "");
      const all = box("Select all on this page", function (isTicked) {
        tick(here(), isTicked);
        show();
      });
      const step = function (by, said) {
        const button = make("button", said);
        button.type = "button";
        button.addEventListener("click", function () {
          first += by;
          show();
          if (isBelow) pagers[0].pager.scrollIntoView();
        });
        return button;
      };
      const back = step(-PAGE, "Previous"), on = step(PAGE, "Next");
      pager.append(all.label, back, where, on);
      const refresh = function () {
        all.input.checked = here().length > 0 && here().every((item) => ticked.has(item));
        const end = Math.min(first + PAGE, shown.length);
        const part = shown.length > PAGE ? count(first + 1) + "–" + count(end) + " of " : "";
        const rest = shown.length < items.length ? ", " + count(items.length) + " in total" : "";
        where.textContent = part + count(shown.length) + rest;
        back.disabled = first === 0;
        on.disabled = end >= shown.length;
        back.hidden = on.hidden = shown.length <= PAGE;
        pager.hidden = isBelow ? shown.length <= PAGE : items.length === 0;
      };
      return { pager, refresh };
    });
    const refresh = () => pagers.forEach((pager) => pager.refresh());
    const show = function () {
      rows.replaceChildren(...here().map((item, i) => entry(item, count(first + i + 1), facts, refresh)));
      refresh();
    };
    const restart = function () {
      shown = items.filter(fits);
      first = 0;
      show();
    };
    place.append(pagers[0].pager, rows, pagers[1].pager);
    restart();
    return { restart, show };
  };

  const label = byId("by-label"), kind = byId("by-class");
  const least = byId("least"), most = byId("most");
  const limit = (input, otherwise) => (input.value === "" ? otherwise : Number(input.value));
  const fits = function ({ gold, read, kind: its, p }) {
    const low = limit(least, 0), high = limit(most, 1);
    return (
      (label.value === "" || [gold, read].some((span) => span && span[2] === label.value)) &&
      (kind.value === "" || its === kind.value) &&
      // Without a probability, an error is shown as long as none is asked for.
      (p === undefined ? low <= 0 && high >= 1 : p >= low && p <= high)
    );
  };
  const lists = Array.from(document.querySelectorAll(".listing"), (place) =>
    list(place, place.dataset.list === "errors" ? fits : () => true)
  );
  for (const control of [label, kind, least, most]) {
    control.addEventListener("input", lists[0].restart);
  }

  // A passage as a task of Prodigy. Places are counted by code points, as in Python.
  const task = function ({ words, annotation }) {
    const tokens = [];
    let at = 0;
    words.forEach(function (word, id) {
      const text = word.trim() === "" ? word : word.trimEnd();
      tokens.push({ id, text, start: at, end: at + Array.from(text).length });
      at += Array.from(word).length;
    });
    const spans = annotation.map(([start, end, label]) => ({
      start: tokens[start].start,
      end: tokens[end - 1].end,
      label,
      token_start: start,
      token_end: end - 1,
    }));
    const text = Array.from(words.join("")).slice(0, tokens[tokens.length - 1].end).join("");
    return { text, tokens, spans };
  };
  const texts = () => [...new Set([...ticked].map((item) => item.at[0]))].sort((a, b) => a - b);
  const showTicked = function () {
    const n = texts().length;
    byId("bar").hidden = n === 0;
    byId("command").hidden = true;
    byId("ticked").textContent = count(ticked.size) + " selected, in " + count(n) + (n === 1 ? " text" : " texts");
  };
  byId("take").addEventListener("click", function () {
    const lines = texts().map((number) => JSON.stringify(task(listed.passages[number])) + "\n");
    download(listed.file, "application/x-ndjson", lines.join(""));
    byId("saved").textContent = "Saved " + listed.file + ".";
    byId("command").querySelector("code").textContent =
      "python -m spacy window-ner teach " + listed.file + " --output project";
    byId("command").hidden = false;
  });
  byId("clear").addEventListener("click", function () {
    ticked.clear();
    showTicked();
    lists.forEach((one) => one.show());
  });
})();
