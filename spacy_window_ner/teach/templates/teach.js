"use strict";
fetch("/next").then((answer) => answer.json()).then((found) => {
  document.getElementById("text").textContent = found.text;
});
