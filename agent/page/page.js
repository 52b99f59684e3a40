// Keeps the page live. What is found and what to do comes from the agent as sentences; here are only
// the words around them. Every text goes in as textContent.
"use strict";

const WORDS = {
  vi: {
    language: "English", title: "Tình trạng điểm cầu", unknown: "chưa ghi danh", looking: "Đang kiểm tra…",
    state: { green: "xanh", yellow: "vàng", red: "đỏ" },
    next: (when, left) => `Cuộc họp tiếp theo: ${when}, còn ${left}`, running: (left) => `Đang họp, còn ${left}`, none: "Chưa có cuộc họp nào trong lịch.",
    days: (n) => `${n} ngày`, at: (time) => `Kiểm tra lúc ${time}, tự cập nhật. Đọc số của mục khi gọi hỗ trợ.`,
    held: (time) => `Trong giờ họp không kiểm tra thêm; đây là tình trạng lúc ${time}.`,
    stale: (time) => `⚠ Chương trình nhipcau-agent trên máy này không trả lời${time ? ` từ ${time}` : ""}; những gì bên dưới đã cũ. Hãy khởi động lại máy, nếu vẫn vậy thì gọi đơn vị vận hành.`,
  },
  en: {
    language: "Tiếng Việt", title: "State of the site", unknown: "not enrolled", looking: "Looking…",
    state: { green: "green", yellow: "yellow", red: "red" },
    next: (when, left) => `Next meeting: ${when}, in ${left}`, running: (left) => `In session, ${left} left`, none: "No meeting in the calendar.",
    days: (n) => `${n} days`, at: (time) => `Looked at ${time}; it stays up to date by itself. Read out the number of a line when you call for help.`,
    held: (time) => `During a meeting nothing more is looked at; this is how it was at ${time}.`,
    stale: (time) => `⚠ The program nhipcau-agent on this PC has not answered${time ? ` since ${time}` : ""}; what stands below is old. Restart the PC; if that does not help, call operations.`,
  },
};
const SIGNS = { green: "✔", yellow: "!", red: "✖" };
// Between two questions; the agent looks anew each twenty seconds at most.
const ASK = 5_000;
// A question may wait for name servers that do not answer.
const PATIENCE = 60_000;
const DAY = 86_400_000;

const asked = new URLSearchParams(location.search).get("lang");
const $ = (id) => document.getElementById(id);
let language = asked === "en" ? "en" : "vi";
let words = WORDS[language];
let found = null, heardAt = 0, lastTime = "";

const time = (at, options) =>
  new Intl.DateTimeFormat(language === "vi" ? "vi-VN" : "en-GB", { timeZone: "Asia/Ho_Chi_Minh", ...options }).format(at);

function element(name, text = "", classes = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

// What has not changed is not written again: a screen reader would read it again.
function tell(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function countdown(millis) {
  const seconds = Math.max(0, Math.ceil(millis / 1000));
  const two = (n) => String(n).padStart(2, "0");
  return millis >= 2 * DAY ? words.days(Math.floor(millis / DAY))
    : `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function check({ number, state, title, found: told, mend }) {
  const line = element("li", "", state === "green" ? "" : "bad");
  line.dataset.state = state;
  const sign = element("span", `${SIGNS[state]} `);
  sign.setAttribute("aria-hidden", "true");
  const head = element("b");
  head.append(sign, `${number}. ${words.state[state]} · ${title}: `);
  line.append(head, element("bdi", told));
  if (mend) line.append(element("bdi", `→ ${mend}`, "mend"));
  return line;
}

function draw() {
  tell("site", [words.title, found.site ?? words.unknown, found.pc].filter(Boolean).join(" · "));
  tell("said", `${found.ready ? SIGNS.green : SIGNS.red} ${found.said}`);
  $("said").dataset.state = found.ready ? "green" : "red";
  const first = found.checks[found.first - 1];
  tell("what", first ? `${first.title}: ${first.found}` : "");
  document.title = `${found.ready ? SIGNS.green : SIGNS.red} Nhịp Cầu`;
  $("checks").replaceChildren(...found.checks.map(check));
}

function tick() {
  if (!found) return;
  const since = performance.now() - heardAt;
  const { meeting } = found;
  const starts = meeting && meeting.starts_in_ms - since, ends = meeting && meeting.ends_in_ms - since;
  const when = meeting && time(meeting.start, { hour: "2-digit", minute: "2-digit", weekday: "long", day: "2-digit", month: "2-digit" });
  tell("meeting", !meeting || ends <= 0 ? words.none : starts > 0 ? words.next(when, countdown(starts)) : words.running(countdown(ends)));
}

async function ask() {
  const query = asked ? `?lang=${language}` : "";
  try {
    const answer = await fetch(`/findings${query}`, { signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) throw new Error(answer.status);
    found = await answer.json();
    heardAt = performance.now();
    if (!asked) speak(found.language);
    lastTime = time(Date.now() - found.age_ms, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    $("stale").hidden = true;
    draw();
    tell("at", found.in_meeting ? words.held(lastTime) : words.at(lastTime));
    tick();
  } catch {
    $("stale").hidden = false;
    tell("stale", words.stale(lastTime));
  }
  setTimeout(ask, ASK);
}

function speak(spoken) {
  language = spoken === "en" ? "en" : "vi";
  words = WORDS[language];
  document.documentElement.lang = language;
  const other = language === "vi" ? "en" : "vi";
  Object.assign($("language"), { textContent: words.language, lang: other, href: `?lang=${other}` });
}

speak(language);
tell("said", words.looking);
setInterval(tick, 1000);
ask();
