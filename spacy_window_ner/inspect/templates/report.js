"use strict";
(function () {
  const byId = (id) => document.getElementById(id);
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

  // The filters of the errors.
  const list = byId("errors-list");
  if (list) {
    const items = Array.from(list.children);
    const label = byId("by-label"), kind = byId("by-class");
    const least = byId("least"), most = byId("most");
    const limit = (input, otherwise) => (input.value === "" ? otherwise : Number(input.value));
    const filter = function () {
      const low = limit(least, 0), high = limit(most, 1);
      let shown = 0;
      for (const item of items) {
        const of = item.dataset;
        const fits =
          (label.value === "" || of.gold === label.value || of.read === label.value) &&
          (kind.value === "" || of.kind === kind.value) &&
          // Without a probability, an error is shown as long as none is asked for.
          (of.p === "" ? low <= 0 && high >= 1 : Number(of.p) >= low && Number(of.p) <= high);
        item.hidden = !fits;
        shown += fits;
      }
      byId("shown").textContent = shown + " of " + items.length + " shown";
    };
    for (const control of [label, kind, least, most]) {
      control.addEventListener("input", filter);
    }
    filter();
  }
})();
