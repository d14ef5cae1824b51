// The page that compares whom its address names. What it knows are the scripts of the league tables, which put
// themselves into window.comparedTables; names are only ever set as text.
(function () {
  "use strict";
  const tables = window.comparedTables || [];
  const form = document.getElementById("choose");
  const said = document.getElementById("said");
  const place = document.getElementById("compared");
  const letters = ["a", "b", "c", "d"];
  const known = new Map();
  for (const table of tables) {
    for (const one of table.organisations) known.set(one.code, { ...one, table });
  }
  if (!form || !known.size) return;

  function element(name, content, attributes) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    made.append(...[content].flat());
    return made;
  }

  const inList = (one) => `${one.name} (${one.code})`;
  document.getElementById("choose-from").append(
    ...[...known.values()].map((one) => element("option", [], { value: inList(one) })),
  );
  form.hidden = false;

  // Whom a text means: the one of the list, its code, or the only one whose name has all its words.
  function meant(text) {
    const typed = text.trim().toLowerCase();
    const all = [...known.values()];
    const exact = all.find((one) => inList(one).toLowerCase() === typed || one.code.toLowerCase() === typed);
    if (exact) return exact;
    const words = typed.split(/\s+/);
    const found = all.filter((one) => words.every((word) => one.name.toLowerCase().includes(word)));
    return found.length === 1 ? found[0] : null;
  }

  function address(codes) {
    return `?${codes.map((code, at) => `${letters[at]}=${encodeURIComponent(code)}`).join("&")}`;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const codes = [];
    const fields = letters.map((letter) => form.elements[letter]);
    fields.forEach(accept);
    for (const field of fields.filter((one) => one.value.trim())) {
      const one = meant(field.value);
      if (!one) {
        refuse(field, `"${field.value}" isn't one name only. Choose one from the list.`);
        return;
      }
      if (!codes.includes(one.code)) codes.push(one.code);
    }
    if (codes.length < 2) {
      refuse(fields.find((one) => !one.value.trim()) || fields[1], "Choose at least two.");
      return;
    }
    window.location.search = address(codes);
  });

  const describedBy = "aria-describedby";

  function accept(field) {
    field.removeAttribute("aria-invalid");
    field.setAttribute(describedBy, "choose-hint");
  }

  // The field is tied to what is said of it, and typing goes on there.
  function refuse(field, text) {
    field.setAttribute("aria-invalid", "true");
    field.setAttribute(describedBy, `choose-hint ${said.id}`);
    say(text);
    field.focus();
  }

  function say(text) {
    said.replaceChildren(element("p", element("strong", text)));
  }

  function verdict(one, other) {
    if (!one.reach || !other.reach) return "unknown";
    const within = (whose, rank) => whose.reach[0] <= rank && rank <= whose.reach[1];
    return within(one, other.rank) || within(other, one.rank) ? "same" : "apart";
  }

  function verdicts(chosen) {
    const pairs = chosen.flatMap((one, at) => chosen.slice(at + 1).map((other) => verdict(one, other)));
    if (chosen.length > 2 && pairs.every((found) => found === "same")) {
      return element("p", "None of them can be told apart from another: the figures don't say which is better.");
    }
    const ordered = [...chosen].sort((one, other) => one.rank - other.rank || (one.code < other.code ? -1 : 1));
    const list = element("ul", []);
    ordered.forEach((one, at) => {
      for (const other of ordered.slice(at + 1)) {
        const names = [element("strong", one.name), element("strong", other.name)];
        const told = {
          same: [names[0], " and ", names[1], " can't be told apart: the figures don't say which is better."],
          apart: [names[0], " stands before ", names[1], " by more than chance can do."],
          unknown: ["Whether ", names[0], " and ", names[1], " can be told apart isn't known."],
        };
        list.append(element("li", told[verdict(one, other)]));
      }
    });
    return list;
  }

  // A cell is the numbers of its pattern and its note, then value and text of each released cell.
  function pieces(one, topic) {
    const cell = one.cells[topic.key];
    if (!cell) return ["no figure"];
    const [pattern, note] = cell.slice(0, 2).map((number) => one.table.said[number]);
    const values = cell.slice(2);
    const refs = (one.table.topics.find((its) => its.key === topic.key) || topic).refs;
    const made = [];
    pattern.split("{}").forEach((text, at) => {
      if (at > 0) {
        const [name, href] = refs[at - 1];
        const value = values[2 * at - 2];
        const fill = (ref) => ref.replaceAll("CODE", one.code);
        const figure = element("data", values[2 * at - 1] || value, { value, "data-cell": fill(name) });
        made.push(href ? element("a", figure, { class: "figure", href: fill(href) }) : figure);
      }
      if (text) made.push(text);
    });
    if (note) made.push(" ", element("small", note));
    return made;
  }

  const hasFigure = (one, topic) => (one.cells[topic.key] || []).length > 2;

  function beside(chosen) {
    const table = element("table", [], { class: "org-table org-compare" });
    table.append(element("caption", "Side by side", { class: "nhsuk-u-visually-hidden" }));
    const head = element("tr", element("th", "Compared", { scope: "col" }));
    for (const one of chosen) {
      const rest = chosen.filter((other) => other !== one).map((other) => other.code);
      const cell = element("th", element("a", one.name, { href: `../${one.table.quarter}/organisations/${one.code}.html` }), { scope: "col" });
      if (rest.length > 1) {
        const hidden = element("span", ` ${one.name}`, { class: "nhsuk-u-visually-hidden" });
        cell.append(" ", element("small", element("a", ["Leave out", hidden], { href: address(rest) })));
      }
      head.append(cell);
    }
    table.append(element("thead", head));
    const keys = new Set();
    const topics = [];
    const alike = new Set(chosen.map((one) => one.table.quarter)).size === 1;
    for (const one of chosen) {
      for (const topic of one.table.topics) {
        if (!keys.has(topic.key)) topics.push(topic);
        keys.add(topic.key);
      }
    }
    // Places, segments, averages and scores of domains only say something among those of one league table.
    const within = ["rank", "likely", "apart", "segment", "average"];
    const ofOneTable = (topic) => within.includes(topic.key) || topic.key.startsWith("domain:");
    const isOneTable = new Set(chosen.map((one) => one.table)).size === 1;
    const groups = new Map();
    const leftOut = [];
    for (const topic of topics.filter((one) => isOneTable || !ofOneTable(one))) {
      const isMeasured = topic.key.startsWith("metric:");
      if (isMeasured && (!alike || chosen.filter((one) => hasFigure(one, topic)).length < 2)) {
        if (chosen.some((one) => one.cells[topic.key])) leftOut.push(topic.label);
        continue;
      }
      if (!groups.has(topic.group)) groups.set(topic.group, []);
      groups.get(topic.group).push(topic);
    }
    for (const [group, lines] of groups) {
      const body = element("tbody", element("tr", element("th", group, { scope: "rowgroup", colspan: chosen.length + 1 })));
      for (const topic of lines) {
        const label = topic.href ? element("a", topic.label, { href: topic.href }) : topic.label;
        const name = element("th", label, { scope: "row" });
        if (topic.hint) name.append(" ", element("small", topic.hint));
        body.append(element("tr", [name, ...chosen.map((one) => element("td", pieces(one, topic)))]));
      }
      table.append(body);
    }
    const region = element("div", table, { class: "site-wide", tabindex: "0", role: "region", "aria-label": "Side by side" });
    const parts = [region];
    if (leftOut.length) {
      const why = alike ? "as fewer than two of them have a figure" : "as their figures are of different quarters";
      parts.push(element("p", `Not compared, ${why}: ${leftOut.join("; ")}.`));
    }
    return parts;
  }

  const asked = new URLSearchParams(window.location.search);
  // Codes are in capital letters; an address may have them as people type them.
  const asCode = (text) => (known.has(text.trim().toUpperCase()) ? text.trim().toUpperCase() : text);
  const codes = [...new Set(letters.map((letter) => asked.get(letter)).filter(Boolean).map(asCode))];
  const unknown = codes.filter((code) => !known.has(code));
  const chosen = codes.filter((code) => known.has(code)).map((code) => known.get(code));
  chosen.forEach((one, at) => {
    form.elements[letters[at]].value = inList(one);
  });
  if (unknown.length) say(`No place in the newest league tables has: ${unknown.join(", ")}.`);
  if (chosen.length < 2) {
    // The focus stays where a page begins: whoever hears the page would otherwise miss what stands before the form.
    if (chosen.length === 1 && !unknown.length) say("Choose at least one more to compare it with.");
    return;
  }
  const names = new Set(chosen.map((one) => one.table));
  const labels = [...names].map((table) => `${table.tableName}, ${table.label}`).join("; ");
  document.title = `${chosen.map((one) => one.name).join(", ")} - ${document.title}`;
  place.append(element("h2", "Which is better?"));
  if (names.size === 1) place.append(verdicts(chosen));
  else place.append(element("p", "They are in different league tables, so their places, segments and averages can't be compared. Only what is measured alike can."));
  place.append(element("h2", "Figure by figure"), element("p", `${labels}. Each number leads to how it was worked out. A symbol with its words says where the value lies among all of its league table, and nothing of chance.`));
  place.append(...beside(chosen));
})();
