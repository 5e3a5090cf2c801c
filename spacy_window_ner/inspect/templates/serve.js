"use strict";
(function () {
{% include "page.js" %}
  // How long nothing is typed before the text is read; how long to wait for a busy server; how long
  // a message stays.
  const PAUSE = 200, AGAIN = 1000, MESSAGE = 3000;
  // How many words and reasons are listed, none whose contribution would be shown as 0.
  const MOST_WORDS = 12, MOST_REASONS = 8, LEAST = 0.005;
  const settings = JSON.parse(byId("settings").textContent);
  const text = byId("text"), threshold = byId("threshold");
  // What is shown: the question and its entities.
  let shown = null;

  const row = function (head, ...cells) {
    const line = document.createElement("tr");
    const first = make("th", head);
    first.scope = "row";
    line.append(first, ...cells.map((cell) => make("td", cell)));
    return line;
  };
  const signed = (x) => (x < 0 ? "−" : "+") + Math.abs(x).toFixed(2);
  const probability = (p) => (p === null ? "" : p.toFixed(3));
  const heat = function (element, value, largest) {
    const degree = Math.round((5 * Math.abs(value)) / largest);
    if (degree > 0) element.classList.add("heat" + degree);
    if (value > 0) element.classList.add("right");
    return element;
  };
  const colorOf = colorsOf(settings.labels);

  // Sends requests; only the response to the last one counts.
  const asker = function (address, status) {
    let last = null;
    const stop = function () {
      if (last) last.abort();
      last = null;
      status.textContent = "";
    };
    const ask = async function (question, show) {
      stop();
      const mine = (last = new AbortController());
      status.textContent = "…";
      try {
        const answer = await fetch(address, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify(question),
          signal: mine.signal,
        });
        const said = await answer.json();
        if (mine !== last) return;
        status.textContent = answer.ok ? "" : said.detail;
        if (answer.ok) show(said);
        if (answer.status === 503) {
          setTimeout(() => mine === last && ask(question, show), AGAIN);
        }
      } catch (error) {
        if (mine === last) status.textContent = "Cannot reach the server. Check that it is running.";
      }
    };
    return { ask, stop };
  };
  const reader = asker("/entities", byId("status"));
  const explainer = asker("/explain", byId("why-status"));

  const isOwn = () => byId("own").disabled;
  const question = function () {
    const asked = { text: text.value };
    if (!isOwn()) asked.threshold = Number(threshold.value);
    return asked;
  };

  const showReasons = function (why) {
    const largest = Math.max(1e-9, ...why.reasons.map((reason) => Math.abs(reason.total)));
    for (const [id, against] of [["for", false], ["against", true]]) {
      const found = why.reasons.filter((reason) => reason.total < 0 === against);
      const items = found.slice(0, MOST_REASONS).map(function (reason) {
        const item = document.createElement("li");
        item.append(heat(make("mark", reason.text), reason.total, largest));
        return item;
      });
      byId(id).replaceChildren(...(items.length ? items : [make("li", "none")]));
    }
  };

  const showWhy = function (found) {
    const { alternatives, explanation: why } = found;
    byId("alternatives").replaceChildren(
      ...alternatives.map((one) => row(one.label === null ? "no entity" : one.label, probability(one.probability)))
    );
    byId("why-facts").hidden = false;
    byId("too-long").hidden = why !== null;
    byId("decided").hidden = byId("explained").hidden = why === null;
    if (why === null) return;
    showReasons(why);
    const words = why.words.filter((word) => Math.abs(word.total) >= LEAST).sort((a, b) => Math.abs(b.total) - Math.abs(a.total));
    const rows = words.slice(0, MOST_WORDS).map(function (word) {
      const parts = [...Object.entries(word.parts), ["elsewhere in the text", word.elsewhere]];
      parts.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
      return row(word.text, signed(word.total), parts[0][0] + " " + signed(parts[0][1]));
    });
    const steps = why.transitions.filter((one) => Math.abs(one.total) >= LEAST).slice(0, 3).map((one) => row(one.before + " → " + one.after, signed(one.total), "label transition"));
    byId("contributions").replaceChildren(...rows, ...steps);
    byId("sum").textContent =
      "Log-odds: " + signed(why.log_odds) + ". Baseline, with all words masked: " + signed(why.baseline) + ". " +
      (why.is_complete ? "Contributions add up to the difference." : "Contributions do not add up to the difference within 1%.");
    const largest = Math.max(1e-9, ...why.words.map((word) => Math.abs(word.total)));
    byId("words").replaceChildren(
      ...why.words.flatMap(function (word) {
        const mark = heat(make("mark", word.text), word.total, largest);
        mark.title = signed(word.total);
        return [mark, " "];
      })
    );
    const decisive = why.decisive.map(function (without) {
      const instead = without.instead.map(([words, label]) => words + " (" + label + ")");
      return make("li", "Without “" + without.text + "”: " + (instead.join(", ") || "no entity"));
    });
    byId("decisive").replaceChildren(...(decisive.length ? decisive : [make("li", "Removing any single word does not change the decision.")]));
  };

  const explain = function (entity) {
    byId("why").hidden = false;
    byId("why-facts").hidden = true;
    byId("why-title").textContent = entity.text + ": " + entity.label;
    const { start, end, label } = entity;
    explainer.ask({ ...shown.asked, start, end, label }, showWhy);
    byId("why").scrollIntoView({ block: "nearest" });
  };
  const choice = function (entity, said, ...classes) {
    const button = make("button", said, ...classes);
    button.type = "button";
    if (entity.probability === null) button.title = "Set by another component of the pipeline";
    button.addEventListener("click", () => explain(entity));
    return button;
  };

  const show = function (asked, found) {
    shown = { asked, entities: found.entities };
    // Places are counted by code points, as in Python.
    const characters = Array.from(asked.text);
    const parts = [], rows = [];
    let done = 0;
    for (const entity of found.entities) {
      const color = colorOf(entity.label);
      parts.push(characters.slice(done, entity.start).join(""));
      const button = choice(entity, characters.slice(entity.start, entity.end).join(""), "entity", color);
      button.append(make("b", entity.label), make("small", probability(entity.probability)));
      parts.push(button);
      done = entity.end;
      const line = row("", "", probability(entity.probability), entity.start, entity.end);
      line.cells[0].append(choice(entity, entity.text, "plain"));
      line.cells[1].append(make("span", entity.label, "tag", color));
      rows.push(line);
    }
    parts.push(characters.slice(done).join(""));
    byId("read").replaceChildren(...parts);
    byId("table").tBodies[0].replaceChildren(...rows);
    byId("found").hidden = false;
    if (found.entities.length === 0) byId("status").textContent = "No entities found.";
  };

  // Entities as a table for other programs.
  const COLUMNS = ["text", "label", "probability", "start", "end"];
  const lines = (separator, quoted) =>
    [COLUMNS, ...shown.entities.map((entity) => COLUMNS.map((name) => entity[name] ?? ""))]
      .map((cells) => cells.map((cell) => quoted(String(cell))).join(separator) + "\n")
      .join("");
  const csv = () =>
    lines(",", (cell) => (/[",\r\n]/.test(cell) ? '"' + cell.replaceAll('"', '""') + '"' : cell));
  const tsv = () => lines("\t", (cell) => cell.replace(/\s+/g, " "));
  const json = () =>
    JSON.stringify({ text: shown.asked.text, entities: shown.entities }, null, 2) + "\n";

  const copy = async function (content) {
    let said = "Copied.";
    try {
      await navigator.clipboard.writeText(content);
    } catch (error) {
      // Without encryption, browsers give other addresses than this computer's no clipboard.
      const area = make("textarea", content);
      document.body.append(area);
      area.select();
      if (!document.execCommand("copy")) said = "Your browser does not allow copying. Download the file instead.";
      area.remove();
    }
    byId("copied").textContent = said;
    setTimeout(() => (byId("copied").textContent = ""), MESSAGE);
  };
  byId("copy-table").addEventListener("click", () => copy(tsv()));
  byId("copy-json").addEventListener("click", () => copy(json()));
  byId("save-csv").addEventListener("click", () => download("entities.csv", "text/csv", csv()));
  byId("save-json").addEventListener("click", () => download("entities.json", "application/json", json()));

  const read = function () {
    explainer.stop();
    byId("why").hidden = true;
    if (text.value.trim() === "") {
      reader.stop();
      byId("found").hidden = true;
      return;
    }
    const asked = question();
    reader.ask(asked, (found) => show(asked, found.results[0]));
  };

  const open = async function (file) {
    const most = settings.maxLength;
    // A character has up to four bytes.
    const isLarge = file.size > 4 * most;
    const bytes = isLarge ? null : await file.arrayBuffer();
    const refuse = (why) => (byId("status").textContent = file.name + " " + why);
    const allowed = ", but the limit is " + most.toLocaleString("en") + ". Split the file, or restart the server with a larger --max-length.";
    if (isLarge) return refuse("has too many characters (" + file.size.toLocaleString("en") + " bytes)" + allowed);
    let content;
    try {
      content = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch (error) {
      return refuse("is not a text file in UTF-8. Save it as UTF-8 and try again.");
    }
    const n = Array.from(content).length;
    if (n > most) return refuse("has " + n.toLocaleString("en") + " characters" + allowed);
    text.value = content;
    read();
  };
  byId("file").addEventListener("change", function (event) {
    if (event.target.files.length) open(event.target.files[0]);
    event.target.value = "";
  });

  const showThreshold = function () {
    const own = settings.threshold === null ? "default" : "default: " + settings.threshold.toFixed(3);
    byId("threshold-value").textContent = isOwn() ? own : Number(threshold.value).toFixed(2);
  };
  let timer = null;
  const readSoon = function () {
    clearTimeout(timer);
    timer = setTimeout(read, PAUSE);
  };
  text.addEventListener("input", readSoon);
  threshold.addEventListener("input", function () {
    byId("own").disabled = false;
    showThreshold();
    readSoon();
  });
  byId("own").addEventListener("click", function () {
    threshold.value = threshold.defaultValue;
    byId("own").disabled = true;
    showThreshold();
    read();
  });
  showThreshold();
  read();
})();
