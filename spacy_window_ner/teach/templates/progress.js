// --- How far the work is: a part of teach.js ---

const score = (value) => (100 * value).toFixed(1);
const interval = ({ low, high }) => score(low) + "–" + score(high);
const terms = (pairs) => pairs.flatMap(([term, said]) => [make("dt", term), make("dd", said)]);

const showStatus = function (status) {
  showLabels([...state.labels, ...Object.keys(status.labels).filter((one) => !state.labels.includes(one))]);
  const { f1 } = status;
  byId("annotator").textContent = status.annotator;
  byId("f1").textContent = f1 ? "F1 " + score(f1.value) : "F1 –";
  byId("f1-said").textContent = f1
    ? "95% confidence interval: " + score(f1.low) + " to " + score(f1.high) + ", from " + status.random + " random texts."
    : "Annotate more texts to get an estimate.";
  byId("gain").textContent = status.enough
    ? "More texts are unlikely to improve F1 much. You can finish."
    : status.gain === null ? "" : "Estimated gain from the next 50 texts: " + score(status.gain) + " points of F1.";
  byId("by-label").hidden = state.labels.length === 0;
  byId("by-label").tBodies[0].replaceChildren(...state.labels.map((one) => labelRow(one, status.labels[one])));
  byId("counts").replaceChildren(
    ...terms([["accepted", status.decided], ["skipped", status.skipped], ["left", status.left.toLocaleString("en")]]),
    ...(status.annotators.length > 1 ? terms(status.annotators.map(({ name, decided }) => [name || "you", decided])) : []),
    ...(status.agreement === null ? [] : terms([["agreement", "F1 " + score(status.agreement)]]))
  );
  byId("network").textContent = status.error
    ? "Training failed: " + status.error
    : (status.network ? "Network " + status.network : "No network yet") + (status.learning ? ", training…" : ".");
  drawCurve(status.curve);
};

const labelRow = function (one, found) {
  const row = make("tr", "", colorOf(one));
  const head = make("th", "");
  head.scope = "row";
  head.append(make("b", one));
  const known = found && found.value !== null && found.value !== undefined;
  const f1 = make("td", known ? score(found.value) : "–");
  if (known) f1.append(make("small", interval(found)));
  row.append(head, f1, make("td", found ? found.annotated : 0));
  return row;
};

// A part of a picture.
const part = function (kind, attributes, said = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = said;
  return element;
};
const drawCurve = function (curve) {
  byId("curve").toggleAttribute("hidden", curve.length < 2);
  if (curve.length < 2) return;
  const [left, right, top, bottom] = [28, 294, 8, 100];
  const least = curve[0].decided, most = curve[curve.length - 1].decided;
  const x = (one) => (left + ((right - left) * (one.decided - least)) / Math.max(1, most - least)).toFixed(1);
  const y = (value) => (bottom - (bottom - top) * value).toFixed(1);
  const points = (of) => curve.map((one) => x(one) + "," + y(one[of]));
  byId("curve").replaceChildren(
    ...[0, 0.5, 1].flatMap((value) => [
      part("line", { class: "axis", x1: left, x2: right, y1: y(value), y2: y(value) }),
      part("text", { x: left - 4, y: Number(y(value)) + 4, "text-anchor": "end" }, String(100 * value)),
    ]),
    part("polygon", { class: "band", points: [...points("low"), ...points("high").reverse()].join(" ") }),
    part("polyline", { class: "curve", points: points("value").join(" ") }),
    part("text", { x: left, y: 116 }, String(least)),
    part("text", { x: right, y: 116, "text-anchor": "end" }, most + " texts")
  );
};

let polled = null;
const askStatus = async function () {
  clearTimeout(polled);
  try {
    if (!document.hidden) showStatus(await once("GET", "status"));
  } catch (error) {
    byId("gone").hidden = error instanceof Refused;
  }
  clearTimeout(polled);
  polled = setTimeout(askStatus, POLL);
};

const finish = async function () {
  byId("finished").hidden = false;
  byId("finish").disabled = true;
  byId("finished-said").textContent = "Training the pipeline… You can continue to annotate.";
  byId("finished-paths").replaceChildren();
  byId("finished").scrollIntoView({ block: "nearest" });
  try {
    const made = await ask("POST", "finish");
    byId("finished-said").textContent = "Saved:";
    byId("finished-paths").replaceChildren(...terms(Object.entries(made).filter(([, path]) => path !== null)));
  } catch (error) {
    byId("finished-said").textContent = error.message;
  }
  byId("finish").disabled = false;
};
