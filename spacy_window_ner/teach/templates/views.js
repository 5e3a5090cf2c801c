// --- Search: this and the doubts are a part of teach.js ---

let searched = null;
const search = async function () {
  const words = byId("query").value;
  byId("results").replaceChildren();
  byId("search-said").textContent = "";
  if (words.trim() === "") return;
  try {
    const { results } = await ask("GET", "search?q=" + encodeURIComponent(words));
    if (words !== byId("query").value) return;
    byId("search-said").textContent = results.length ? "" : "No text contains these words.";
    byId("results").replaceChildren(...results.map(searchResult));
    chooseResult(0);
  } catch (error) {
    byId("search-said").textContent = error.message;
  }
};
const searchResult = function (found) {
  const button = make("button", found.snippet);
  Object.assign(button, { type: "button", dir: "auto" });
  if (found.decided) button.append(make("small", "annotated"));
  button.addEventListener("click", () => openText(found.id));
  const line = make("li", "");
  line.append(button);
  return line;
};
const resultButtons = () => Array.from(byId("results").querySelectorAll("button"));
const chosenResult = () => resultButtons().findIndex((button) => button.classList.contains("chosen"));
const chooseResult = function (i) {
  const buttons = resultButtons();
  const chosen = Math.max(0, Math.min(buttons.length - 1, i));
  buttons.forEach((button, j) => button.classList.toggle("chosen", j === chosen));
  if (buttons.length) buttons[chosen].scrollIntoView({ block: "nearest" });
};
const openText = function (id) {
  byId("search").close();
  leading(async () => show(await ask("POST", "open", { id })));
};
byId("query").addEventListener("input", function () {
  byId("results").replaceChildren();
  clearTimeout(searched);
  searched = setTimeout(search, PAUSE);
});
byId("query").addEventListener("keydown", function (event) {
  if (event.isComposing) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) chooseResult(chosenResult() + step);
  else if (event.key === "Enter" && chosenResult() >= 0) resultButtons()[chosenResult()].click();
  else return;
  event.preventDefault();
});

// --- Doubts ---

let doubts = [];
const startDoubts = async function () {
  open("doubts");
  byId("doubt").hidden = true;
  byId("doubts-said").textContent = "…";
  try {
    doubts = (await ask("GET", "doubts")).doubts;
    showDoubt();
  } catch (error) {
    byId("doubts-said").textContent = error.message;
  }
};
const showDoubt = function () {
  const one = doubts[0];
  byId("doubt").hidden = !one;
  byId("doubts-said").textContent = one ? doubts.length + " left" : "No doubts about your annotation.";
  if (!one) return;
  const characters = Array.from(one.text);
  const cut = (from, to) => characters.slice(from, to).join("");
  const said = (span) => (span === null || span.label === null ? "no entity" : "“" + cut(span.start, span.end) + "”: " + span.label);
  byId("doubt-annotated").textContent = said(one.annotated);
  byId("doubt-instead").textContent = said(one.instead);
  const bounds = [one.annotated, one.instead].filter((span) => span !== null);
  const start = Math.min(...bounds.map((span) => span.start)), end = Math.max(...bounds.map((span) => span.end));
  byId("doubt-text").replaceChildren(cut(0, start), make("mark", cut(start, end), "read"), cut(end));
};
const answerDoubt = async function (take) {
  const one = doubts.shift();
  if (!one) return;
  showDoubt();
  try {
    const { id, annotated, instead } = one;
    await ask("POST", "doubts", { id, annotated, instead, take });
  } catch (error) {
    byId("doubts-said").textContent = error.message;
  }
};
