// Find your trust: searches the index that the page brings along, shows and says what is found.
(function () {
  "use strict";

  var data = window.leagueSearch;
  var form = document.getElementById("find-form");
  if (!data || !form || !window.lunr) return;

  var input = document.getElementById("find-q");
  var said = document.getElementById("find-said");
  var results = document.getElementById("find-results");
  var help = document.getElementById("find-help");
  var index = window.lunr.Index.load(data.index);
  var MOST_SHOWN = 50;
  // Words that say nothing about who is meant; and those that many share.
  var FILLERS = ["the", "and", "of", "for", "in", "at", "nhs", "trust", "trusts", "foundation", "ft", "fictional"];
  var COMMON = FILLERS.concat([
    "hospital", "hospitals", "general", "infirmary", "university", "teaching", "royal", "district", "health",
    "healthcare", "care", "services", "service", "community", "partnership", "mental", "clinic", "centre", "st"
  ]);

  // As `plain_words` in pages/find.py.
  function plainWords(text) {
    return text
      .toLowerCase()
      .replace(/&/g, " and ")
      .normalize("NFKD")
      .replace(/[\u0300-\u036f]/g, "")
      .replace(/['\u2018\u2019\u02bc`\u00b4]/g, "")
      .replace(/[^a-z0-9]+/g, " ")
      .trim()
      .split(" ")
      .filter(Boolean)
      .map(function (word) {
        return word === "saint" ? "st" : word === "saints" ? "sts" : word;
      });
  }

  // Ref -> score of those that have the word, or a word that begins with it, or one that is spelt nearly like it.
  function having(word, nearly) {
    var found = {};
    index
      .query(function (query) {
        query.term(word, { boost: 10 });
        query.term(word, { wildcard: window.lunr.Query.wildcard.TRAILING, boost: 2 });
        if (nearly && word.length > 3) query.term(word, { editDistance: word.length > 6 ? 2 : 1 });
      })
      .forEach(function (one) {
        found[one.ref] = one.score;
      });
    return found;
  }

  function havingAll(words, nearly) {
    var found = null;
    words.forEach(function (word) {
      var some = having(word, nearly);
      var both = {};
      Object.keys(found || some).forEach(function (ref) {
        if (ref in some) both[ref] = (found ? found[ref] : 0) + some[ref];
      });
      found = both;
    });
    return bestFirst(found || {});
  }

  function havingSome(words) {
    var times = {};
    words.forEach(function (word) {
      var some = having(word, false);
      Object.keys(some).forEach(function (ref) {
        // Whoever has more of the words comes first, whatever each counts for.
        times[ref] = (times[ref] || 0) + 1000 + some[ref];
      });
    });
    return bestFirst(times);
  }

  function bestFirst(scores) {
    return Object.keys(scores).sort(function (a, b) {
      return scores[b] - scores[a] || data.organisations[a].name.localeCompare(data.organisations[b].name);
    });
  }

  function without(words, others) {
    return words.filter(function (word) {
      return others.indexOf(word) < 0;
    });
  }

  function withoutEnd(word) {
    return word.length > 3 ? word.replace(/s$/, "") : word;
  }

  function byWords(text) {
    var all = plainWords(text);
    var words = without(all, FILLERS);
    if (!words.length) words = all;
    var found = havingAll(words, false);
    if (found.length) return { says: "", refs: found };
    if (words.length > 1) found = havingAll([words.join("")], false);
    // One too many: "hospitals", and counties cut short, as in "staffs".
    if (!found.length) found = havingAll(words.map(withoutEnd), false);
    if (found.length) return { says: "", refs: found };
    found = havingAll(words, true);
    if (found.length) return { says: "Nothing is spelt just like that. These are spelt nearly like it.", refs: found };
    var telling = without(words, COMMON);
    found = telling.length && telling.length < all.length ? havingSome(telling) : [];
    if (!found.length && telling.length > 1) found = havingSome(telling);
    if (!found.length) return { says: "", refs: [] };
    return { says: "Nothing here has all of these words in its name or town. These have some of them.", refs: found };
  }

  // District and area of a postcode, whole or its first part: "PE30 4ET" lies in the district PE30 and the area PE.
  function postcodeOf(text) {
    var typed = text.trim().toUpperCase().replace(/[\s-]+/g, " ");
    var parts = /^([A-Z]{1,2})([0-9][A-Z0-9]?) ([0-9][A-Z]{0,2})?$/.exec(typed + " ".repeat(typed.indexOf(" ") < 0));
    parts = parts || /^([A-Z]{1,2})([0-9][A-Z0-9]?)([0-9][A-Z]{0,2})?$/.exec(typed.replace(/ /g, ""));
    if (!parts) return null;
    return { area: parts[1], district: parts[1] + parts[2], whole: parts[1] + parts[2] + (parts[3] || "") };
  }

  function byPostcode(postcode) {
    var same = [], district = [], area = [];
    Object.keys(data.organisations).forEach(function (ref) {
      var other = postcodeOf(data.organisations[ref].postcode);
      if (!other || other.area !== postcode.area) return;
      if (other.whole === postcode.whole && postcode.whole !== postcode.district) same.push(ref);
      else if (other.district === postcode.district) district.push(ref);
      else area.push(ref);
    });
    return [
      { heading: "At this postcode", refs: byName(same) },
      { heading: "In the same postcode district, " + postcode.district, refs: byName(district) },
      { heading: "Elsewhere in the postcode area " + postcode.area, refs: byName(area) }
    ].filter(function (group) {
      return group.refs.length;
    });
  }

  function byName(refs) {
    return refs.sort(function (a, b) {
      return data.organisations[a].name.localeCompare(data.organisations[b].name);
    });
  }

  // What was found: groups of refs, each with a heading or none, and a sentence about them.
  function search(text) {
    var code = text.trim().toUpperCase();
    if (Object.prototype.hasOwnProperty.call(data.organisations, code)) {
      return { says: "", groups: [{ heading: "", refs: [code] }] };
    }
    var postcode = postcodeOf(text);
    if (postcode) {
      var groups = byPostcode(postcode);
      var says = groups.length
        ? "This goes by the address of a main office. A hospital nearer to you may belong to another trust."
        : "No main office is in the postcode area " + postcode.area + ".";
      return { says: says, groups: groups };
    }
    var found = byWords(text);
    return { says: found.says, groups: found.refs.length ? [{ heading: "", refs: found.refs }] : [] };
  }

  function element(name, text, className) {
    var made = document.createElement(name);
    if (text) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function shown(ref) {
    var one = data.organisations[ref];
    var item = element("li", "", "pages-results__item");
    var link = element("a", one.name);
    link.href = one.link;
    item.appendChild(link);
    var place = [one.town, one.postcode].filter(Boolean).join(", ");
    item.appendChild(element("div", [place, one.table, "code " + ref].filter(Boolean).join(" · "), "site-quiet"));
    [
      ["Formerly: ", one.former.join("; ")],
      ["Took over: ", one.tookOver.join("; ")],
      ["Now part of: ", one.became]
    ].forEach(function (line) {
      if (line[1]) item.appendChild(element("div", line[0] + line[1], "site-quiet"));
    });
    return item;
  }

  function show(text) {
    results.textContent = "";
    help.hidden = true;
    if (!text.trim()) {
      said.textContent = "";
      return;
    }
    var found = search(text);
    var total = found.groups.reduce(function (sum, group) {
      return sum + group.refs.length;
    }, 0);
    var count = total === 1 ? "1 found" : total ? total + " found" : "Nothing found";
    said.textContent = count + " for “" + text.trim() + "”. " + found.says;
    help.hidden = total > 0;
    var left = MOST_SHOWN;
    found.groups.forEach(function (group) {
      var refs = group.refs.slice(0, left);
      left -= refs.length;
      if (!refs.length) return;
      if (group.heading) results.appendChild(element("h2", group.heading, "nhsuk-heading-s"));
      var list = element("ol", "", "nhsuk-list pages-results");
      refs.forEach(function (ref) {
        list.appendChild(shown(ref));
      });
      results.appendChild(list);
    });
    if (total > MOST_SHOWN) {
      results.appendChild(element("p", "The first " + MOST_SHOWN + " are shown. Add a word to find fewer."));
    }
  }

  function remember(text) {
    try {
      var address = text.trim() ? "?q=" + encodeURIComponent(text.trim()) : window.location.pathname;
      window.history.replaceState(null, "", address);
    } catch (error) {
      // A page on a disk may not be allowed to.
    }
  }

  var waiting = null;
  function look() {
    window.clearTimeout(waiting);
    show(input.value);
    remember(input.value);
  }

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    look();
  });
  input.addEventListener("input", function () {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(look, 250);
  });

  form.hidden = false;
  var asked = new URLSearchParams(window.location.search).get("q");
  if (asked) {
    input.value = asked;
    show(asked);
  }
})();
