"use strict";
(function () {
  const byId = (id) => document.getElementById(id);
  // How long nothing is typed before the text is read; how long to wait for a busy server.
  const PAUSE = 200, AGAIN = 1000;
  // How many words are listed, none whose contribution would be shown as 0.
  const MOST_WORDS = 12, LEAST = 0.005;
  const text = byId("text"), threshold = byId("threshold");

  // All that a server or a user says becomes text, never markup.
  const make = function (kind, said, ...classes) {
    const element = document.createElement(kind);
    element.textContent = said;
    element.classList.add(...classes);
    return element;
  };
  const row = function (head, ...cells) {
    const line = document.createElement("tr");
    const first = make("th", head);
    first.scope = "row";
    line.append(first, ...cells.map((cell) => make("td", cell)));
    return line;
  };
  const signed = (x) => (x < 0 ? "−" : "+") + Math.abs(x).toFixed(2);
  const probability = (p) => (p === null ? "" : p.toFixed(3));

  // A question, of which only the last answer counts.
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
        if (mine === last) status.textContent = "The server does not answer.";
      }
    };
    return { ask, stop };
  };
  const reader = asker("/entities", byId("status"));
  const explainer = asker("/explain", byId("why-status"));

  const question = function () {
    const asked = { text: text.value };
    if (threshold.value !== "") asked.threshold = Number(threshold.value);
    return asked;
  };

  const showWhy = function (found) {
    const { alternatives, explanation: why } = found;
    byId("alternatives").replaceChildren(
      ...alternatives.map((one) => row(one.label === null ? "no entity" : one.label, probability(one.probability)))
    );
    byId("why-facts").hidden = false;
    byId("too-long").hidden = why !== null;
    byId("decided").hidden = byId("details").hidden = why === null;
    if (why === null) return;
    const words = why.words.filter((word) => Math.abs(word.total) >= LEAST).sort((a, b) => Math.abs(b.total) - Math.abs(a.total));
    const rows = words.slice(0, MOST_WORDS).map(function (word) {
      const parts = [...Object.entries(word.parts), ["elsewhere in the text", word.elsewhere]];
      parts.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
      return row(word.text, signed(word.total), parts[0][0] + " " + signed(parts[0][1]));
    });
    const steps = why.transitions.filter((one) => Math.abs(one.total) >= LEAST).slice(0, 3).map((one) => row(one.before + " → " + one.after, signed(one.total), "transition"));
    byId("contributions").replaceChildren(...rows, ...steps);
    byId("sum").textContent =
      "Log-odds " + signed(why.log_odds) + "; " + signed(why.baseline) + " where nothing is known of any word. " +
      (why.is_complete ? "Contributions add up to the difference." : "Contributions do not add up to the difference within 1 %.");
    const largest = Math.max(1e-9, ...why.words.map((word) => Math.abs(word.total)));
    byId("words").replaceChildren(
      ...why.words.flatMap(function (word) {
        const heat = Math.round((5 * Math.abs(word.total)) / largest);
        const mark = make("mark", word.text);
        if (heat > 0) mark.classList.add("heat" + heat);
        if (word.total > 0) mark.classList.add("right");
        mark.title = signed(word.total);
        return [mark, " "];
      })
    );
    byId("decisive").replaceChildren(
      ...why.decisive.map(function (without) {
        const instead = without.instead.map(([words, label]) => words + " (" + label + ")");
        return make("li", "Without “" + without.text + "”: " + (instead.join(", ") || "no entity here") + ".");
      })
    );
  };

  const explain = function (asked, entity) {
    byId("why").hidden = false;
    byId("why-facts").hidden = true;
    byId("why-title").textContent = entity.text + ": " + entity.label;
    explainer.ask({ ...asked, start: entity.start, end: entity.end, label: entity.label }, showWhy);
  };

  const show = function (asked, found) {
    // Places are counted by code points, as in Python.
    const characters = Array.from(asked.text);
    const parts = [];
    let done = 0;
    for (const entity of found.entities) {
      parts.push(characters.slice(done, entity.start).join(""));
      const button = make("button", characters.slice(entity.start, entity.end).join(""), "entity");
      button.type = "button";
      button.append(make("b", entity.label), make("small", probability(entity.probability)));
      if (entity.probability === null) button.title = "Set by another component of the pipeline.";
      button.addEventListener("click", () => explain(asked, entity));
      parts.push(button);
      done = entity.end;
    }
    parts.push(characters.slice(done).join(""));
    byId("read").replaceChildren(...parts);
    byId("found").hidden = false;
    if (found.entities.length === 0) byId("status").textContent = "No entities.";
  };

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

  let timer = null;
  for (const control of [text, threshold]) {
    control.addEventListener("input", function () {
      clearTimeout(timer);
      timer = setTimeout(read, PAUSE);
    });
  }
  read();
})();
