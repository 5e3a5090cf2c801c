  const byId = (id) => document.getElementById(id);

  // Strings from texts, servers and users are inserted as text, never as markup.
  const make = function (kind, said, ...classes) {
    const element = document.createElement(kind);
    element.textContent = said;
    element.classList.add(...classes);
    return element;
  };

  // Save a file that is made in the page.
  const download = function (name, type, content) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  // The class of each label's color; labels that are not known get the colors after the others.
  const COLORS = 12;
  const colorsOf = (labels) =>
    function (label) {
      if (!labels.includes(label)) labels.push(label);
      return "label" + (labels.indexOf(label) % COLORS);
    };
