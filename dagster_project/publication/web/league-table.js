// Sorts and filters a league table, keeps what is chosen in the address, and draws each likely place as a line.
// Without it the table is complete. It works from a disk: no module, no request.
(function () {
  "use strict";

  var table = document.getElementById("league");
  var form = document.getElementById("filter");
  var shown = document.getElementById("shown");
  if (!table || !form || !shown || !window.URLSearchParams) return;

  var body = table.tBodies[0];
  var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
  var rows = Array.prototype.slice.call(body.rows).map(read);
  var fields = ["text", "region", "subtype", "segment"].filter(function (name) { return form.elements[name]; });

  // What a row is found and ordered by. A missing number is null and comes last.
  function read(row, index) {
    var name = row.querySelector(".name");
    var kinds = name.querySelectorAll("small span");
    // "44th to 91st", or one place where there is no doubt.
    var likely = /\d/.test(ownText(row, ".likely")) ? ownText(row, ".likely").match(/\d+/g).map(Number) : [];
    var place = numbers(row, ".place")[0];
    var before = numbers(row, ".moved")[0];
    var segment = numbers(row, ".segment")[0];
    return {
      row: row,
      index: index,
      text: fold(name.textContent + " " + row.id),
      subtype: kinds[0].textContent,
      region: kinds[1].textContent,
      segment: segment === undefined ? null : segment,
      place: place,
      name: name.querySelector("a").textContent.toLowerCase(),
      average: numbers(row, ".average")[0],
      likely: likely.length ? likely[0] + likely[likely.length - 1] : null,
      range: likely.length ? [likely[0], likely[likely.length - 1]] : null,
      moved: before !== undefined ? place - before : /same place/i.test(textOf(row, ".moved")) ? 0 : null
    };
  }

  function textOf(row, selector) {
    var cell = row.querySelector(selector);
    return cell ? cell.textContent : "";
  }

  // Without what stands below it in small type.
  function ownText(row, selector) {
    return row.querySelector(selector).firstChild.textContent;
  }

  function numbers(row, selector) {
    return (textOf(row, selector).match(/\d+(\.\d+)?/g) || []).map(Number);
  }

  // As people type: without case, accents and signs between words.
  function fold(text) {
    return text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f']/g, "").replace(/[^a-z0-9]+/g, " ").trim();
  }

  function chosen() {
    var state = { sort: "place", down: false };
    var said = new URLSearchParams(location.hash.indexOf("=") < 0 ? "" : location.hash.slice(1));
    fields.forEach(function (name) { state[name] = said.get(name) || ""; });
    if (heads.some(function (head) { return head.dataset.sort === said.get("sort"); })) state.sort = said.get("sort");
    state.down = said.get("order") === "reversed";
    return state;
  }

  function keep(state) {
    var said = new URLSearchParams();
    fields.forEach(function (name) { if (state[name]) said.set(name, state[name]); });
    if (state.sort !== "place") said.set("sort", state.sort);
    if (state.down) said.set("order", "reversed");
    // In the fragment, which a page on a disk may change too.
    if (said.toString() || location.hash.indexOf("=") >= 0) {
      history.replaceState(null, "", said.toString() ? "#" + said : location.href.split("#")[0]);
    }
    show(state);
  }

  function fits(one, state) {
    var isFound = fold(state.text || "").split(" ").every(function (word) { return one.text.indexOf(word) >= 0; });
    return isFound && ["region", "subtype"].every(function (name) {
      return !state[name] || one[name] === state[name];
    }) && (!state.segment || String(one.segment) === state.segment);
  }

  function order(state) {
    return function (a, b) {
      var left = a[state.sort], right = b[state.sort];
      if (left === null || right === null) return (left === null) - (right === null) || a.index - b.index;
      var difference = left < right ? -1 : left > right ? 1 : 0;
      return (state.down ? -difference : difference) || a.index - b.index;
    };
  }

  function show(state) {
    var fitting = 0;
    rows.slice().sort(order(state)).forEach(function (one) {
      one.row.hidden = !fits(one, state);
      if (!one.row.hidden) fitting += 1;
      body.appendChild(one.row);
    });
    fields.concat("sort").forEach(function (name) {
      var field = form.elements[name];
      if (field !== document.activeElement || name !== "text") field.value = state[name];
    });
    table.classList.toggle("is-reordered", state.sort !== "place" || state.down);
    heads.forEach(function (head) {
      if (head.dataset.sort === state.sort) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.setAttribute("aria-sort", "none");
    });
    say(fitting, state);
  }

  function say(fitting, state) {
    var noun = shown.dataset.noun;
    var head = heads.filter(function (one) { return one.dataset.sort === state.sort; })[0];
    var text = fitting === 0
      ? "None of the " + rows.length + " " + noun + " fits. Choose less, or show all again."
      : (fitting === rows.length ? "All " + rows.length + " " + noun : fitting + " of " + rows.length + " " + noun) +
        " shown, ordered by " + head.dataset.label.toLowerCase() + ", " +
        (state.down ? "the other way round" : head.dataset.order) + ".";
    if (shown.textContent !== text) shown.textContent = text;
    form.querySelector("[type=reset]").hidden = fitting === rows.length && state.sort === "place" && !state.down;
  }

  function label(head) {
    var text = head.textContent.trim();
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    head.textContent = "";
    head.dataset.label = head.dataset.label || text;
    head.appendChild(button);
    button.addEventListener("click", function () {
      var state = chosen();
      state.down = state.sort === head.dataset.sort && !state.down;
      state.sort = head.dataset.sort;
      keep(state);
    });
    var option = document.createElement("option");
    option.value = head.dataset.sort;
    option.textContent = head.dataset.label + ", " + head.dataset.order;
    form.elements.sort.appendChild(option);
  }

  // The words beside it say the same, so a reader of the screen needs no picture.
  function draw(one) {
    if (!one.range) return;
    var size = Number(table.dataset.size);
    var at = function (rank) { return size > 1 ? 3 + 114 * (rank - 1) / (size - 1) : 60; };
    var picture = shape("svg", { viewBox: "0 0 120 10", "class": "site-range", "aria-hidden": "true", focusable: "false" });
    picture.appendChild(shape("path", { d: "M0 5h120", "class": "site-range__all" }));
    picture.appendChild(shape("path", { d: "M" + at(one.range[0]) + " 5H" + at(one.range[1]), "class": "site-range__likely" }));
    picture.appendChild(shape("circle", { cx: at(one.place), cy: 5, r: 3.5 }));
    one.row.querySelector(".likely").appendChild(picture);
  }

  function shape(name, attributes) {
    var made = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.keys(attributes).forEach(function (key) { made.setAttribute(key, attributes[key]); });
    return made;
  }

  // Stacked as on a phone, some readers of the screen forget that it is a table.
  function nameRoles() {
    table.setAttribute("role", "table");
    [["thead, tbody", "rowgroup"], ["tr", "row"], ["thead th", "columnheader"], ["tbody th", "rowheader"], ["td", "cell"]]
      .forEach(function (pair) {
        Array.prototype.forEach.call(table.querySelectorAll(pair[0]), function (part) { part.setAttribute("role", pair[1]); });
      });
  }

  function fromForm() {
    var state = chosen();
    fields.forEach(function (name) { state[name] = form.elements[name].value; });
    if (form.elements.sort.value !== state.sort) {
      state.sort = form.elements.sort.value;
      state.down = false;
    }
    keep(state);
  }

  heads.forEach(label);
  rows.forEach(draw);
  nameRoles();
  form.hidden = false;
  form.addEventListener("submit", function (event) { event.preventDefault(); fromForm(); });
  form.addEventListener("input", fromForm);
  form.addEventListener("reset", function (event) {
    event.preventDefault();
    fields.forEach(function (name) { form.elements[name].value = ""; });
    keep({ text: "", region: "", subtype: "", segment: "", sort: "place", down: false });
    form.elements.text.focus();
  });
  window.addEventListener("hashchange", function () { show(chosen()); });
  show(chosen());
})();
