// Answers fold without this script. It adds a button that opens or folds all
// answers of a page, and does for older browsers what newer ones do alone:
// open what a link leads to, and what is printed.
const answers = [...document.querySelectorAll("details.answer")];

function addButton(heading) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "open-answers";

  const allOpen = () => answers.every((answer) => answer.open);

  function say() {
    const verb = allOpen() ? "Fold" : "Open";
    button.textContent = `${verb} all ${answers.length} answers`;
    button.setAttribute("aria-expanded", allOpen());
  }

  button.addEventListener("click", () => {
    const open = !allOpen();
    answers.forEach((answer) => (answer.open = open));
  });
  document.addEventListener("toggle", say, true);
  say();
  heading.after(button);
}

function openTarget() {
  const id = decodeURIComponent(location.hash.slice(1));
  const target = document.getElementById(id);
  const answer = target?.closest("details.answer");
  if (answer && !answer.open) {
    answer.open = true;
    target.scrollIntoView();
  }
}

// The theme lets the keyboard reach boxes that scroll sideways, except
// formulas. It looks for such boxes when the window changes, but not when an
// answer is opened.
function reachFormulas() {
  for (const box of document.querySelectorAll("div.math > mjx-container")) {
    box.tabIndex = box.scrollWidth > box.clientWidth ? 0 : -1;
  }
}

function lookAgain() {
  dispatchEvent(new Event("resize"));
}

let opened = [];

function openAll() {
  opened = answers.filter((answer) => !answer.open);
  opened.forEach((answer) => (answer.open = true));
}

function foldAgain() {
  opened.forEach((answer) => (answer.open = false));
}

if (answers.length > 0) {
  addButton(document.querySelector("#exercises > h2"));
  openTarget();
  addEventListener("hashchange", openTarget);
  addEventListener("beforeprint", openAll);
  addEventListener("afterprint", foldAgain);
}
addEventListener("resize", reachFormulas);
document.addEventListener("toggle", lookAgain, true);
addEventListener("load", () => {
  window.MathJax?.startup.promise.then(reachFormulas);
});
