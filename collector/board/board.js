// Keeps the board live. What is wrong and what to do comes from the collector as sentences; here
// are only the words around them. Every text goes in as textContent: a site may be called anything.
"use strict";

const WORDS = {
  vi: {
    signIn: "Đăng nhập", signOut: "Đăng xuất", gateHelp: "Tên và mật khẩu do người quản trị cấp (nhipcau-collector user add).",
    user: "Tên đăng nhập", password: "Mật khẩu", enter: "Đăng nhập", notNow: "Để sau", over: "Phiên đăng nhập đã hết; hãy đăng nhập lại.",
    office: "Cuộc họp", audit: "Nhật ký", acts: "Thao tác", note: "Ghi nhận: đang làm gì", acknowledge: "Ghi nhận", unacknowledge: "Bỏ ghi nhận",
    given: (who, note) => `👤 ${who} đã nhận${note ? `: ${note}` : ""}`, reason: "Báo vắng: lý do", excusedUntil: "Vắng đến lúc", excuse: "Báo vắng",
    absence: (reason, until) => `Báo vắng đến ${until}: ${reason}`, takeBack: "Bỏ báo vắng", inFile: "ghi trong tệp", saved: "✔ Đã lưu.", unsaved: "Chưa lưu được",
    newMeeting: "Thêm cuộc họp", changed: "Sửa cuộc họp", subject: "Nội dung", start: "Bắt đầu lúc", duration: "Kéo dài (ví dụ 1h30m)", mAreas: "Địa bàn, cách nhau bằng dấu ; (để trống cả hai ô: mọi điểm cầu)",
    mSites: "Từng điểm cầu, cách nhau bằng dấu ;", mExcept: "Trừ", preview: "Xem trước", save: "Lưu", discard: "Bỏ qua", change: "Sửa", cancel: "Bỏ cuộc họp", sure: "Bấm lần nữa để bỏ",
    previewed: (when, n) => `Xem trước: ${when}, ${n} điểm cầu.`, noNext: "Xem trước: không có lần họp nào sắp tới.", earlier: "Cũ hơn", logColumns: ["Lúc", "Ai", "Địa chỉ", "Việc", "Đối tượng", "Trước", "Sau"],
    keyTitle: "Dùng mã truy cập", keyHelp: "Cho màn hình không có bàn phím. Mã nằm trong tệp token_file của bộ thu thập.",
    keyLabel: "Mã truy cập", keyEnter: "Vào xem",
    refused: {
      wrong: () => "Tên đăng nhập hoặc mật khẩu không đúng.", slow: (s) => `Sai quá nhiều lần; hãy thử lại sau ${s} giây.`,
      busy: () => "Nhiều người đang đăng nhập; hãy thử lại.", foreign: () => "Trang này không đến từ chính bộ thu thập; máy chủ trung gian phải chuyển tiếp Host.",
      key: () => "Mã này không đúng.", failed: () => "Bộ thu thập không trả lời được; hãy thử lại.",
    },
    wall: "Màn hình lớn", print: "In điểm danh", rollCall: "Điểm danh", search: "Tìm điểm cầu, không cần dấu",
    keys: "Các phím mũi tên đi từ ô này sang ô khác, Page Up và Page Down từ địa bàn này sang địa bàn khác, Enter mở điểm cầu.", incidents: "Sự cố chung", filters: "Lọc theo trạng thái", meetings: "Cuộc họp", back: "← Về bảng", reasons: "Vì sao và cần làm gì",
    contact: "Gọi cho ai", capabilities: "Từng hạng mục", readings: "Số liệu gần nhất", agent: "Máy điểm cầu",
    language: "English", all: "Mọi điểm cầu", noMeeting: "Không có cuộc họp nào trong 24 giờ tới", noArea: "Chưa ghi địa bàn",
    starts: (time) => `Bắt đầu lúc ${time}`, until: (time) => `Đang họp, đến ${time}`, ended: "Đã họp xong", sites: (n) => `${n} điểm cầu`,
    nothing: "Không có điểm cầu nào khớp", allWell: "✔ Không điểm cầu nào vướng mắc", more: (n) => `(và ${n} lý do khác)`,
    unmatched: (names) => `Có trong lịch họp nhưng không khớp điểm cầu nào: ${names}`,
    stale: (time) => `⚠ Mất liên lạc với bộ thu thập: bảng này dừng ở ${time}, không phải hiện tại. Đang kết nối lại…`,
    full: "⚠ Quá nhiều trang đang mở bảng này; đang thử lại.", judged: (time) => `Đánh giá lúc ${time}`, since: (time) => `từ ${time}`,
    became: (name, word) => `${name}: ${word}`, others: (n) => `và ${n} điểm cầu khác`, noContact: "Danh mục chưa ghi người phụ trách.",
    gone: "Điểm cầu này không còn trong danh mục.", well: "Không có gì cần làm.", never: "chưa bao giờ", ago: (age) => `${age} trước`,
    needed: "có", evidence: "Số liệu:", seen: (age) => `Báo về lần cuối: ${age}`, clock: (s) => `đồng hồ lệch ${s} s`, good: "đạt", failed: "lỗi", old: "đã cũ",
    queue: "Máy chờ", queueOf: (n) => `Máy chờ (${n})`, queueNone: "Không có máy nào đang chờ.",
    queueHelp: "Máy đã ghi danh bằng mã chung. Hỏi kỹ thuật viên số đọc trên màn hình, chọn điểm cầu, bấm Gán; trước đó máy chưa được tính.",
    told: (addresses) => `máy tự báo ${addresses}`, waits: "chờ từ", heard: "hỏi lại", find: "Là điểm cầu nào? Gõ tên, không cần dấu", choices: (n) => `Điểm cầu của máy số ${n}`,
    clues: { host: "đúng tên máy", subnet: "đúng dải mạng", place: "tên máy giống tên điểm cầu" }, hasPc: "đã có máy", moreSites: (n) => `và ${n} điểm cầu khác; hãy gõ thêm`,
    replace: "Thay máy mà điểm cầu này đang dùng", assign: "Gán", assigned: (n, name) => `✔ Máy số ${n} là ${name}; máy tự nhận ra trong ít phút.`, choose: "Chưa chọn điểm cầu.",
    unassigned: { 404: "Máy này không còn chờ nữa.", 409: "Điểm cầu này đã có máy. Nếu đúng là thay máy thì đánh dấu vào ô bên trên rồi bấm Gán lần nữa.", 422: "Điểm cầu này không còn trong danh mục." },
    columns: ["Hạng mục", "Trạng thái", "Cần", "Số liệu"], probes: ["Phép đo", "Kết quả", "Lúc đo", "Chi tiết"], unit: ["giây", "phút", "giờ", "ngày"],
  },
  en: {
    signIn: "Sign in", signOut: "Sign out", gateHelp: "The administrator gives names and passwords (nhipcau-collector user add).",
    user: "Name", password: "Password", enter: "Sign in", notNow: "Not now", over: "The session is over; sign in again.",
    office: "Meetings", audit: "Audit log", acts: "Acts", note: "Acknowledge: what is being done", acknowledge: "Acknowledge", unacknowledge: "Take it back",
    given: (who, note) => `👤 ${who} looks after it${note ? `: ${note}` : ""}`, reason: "Excuse: the reason", excusedUntil: "Excused until", excuse: "Excuse",
    absence: (reason, until) => `Excused until ${until}: ${reason}`, takeBack: "Take the excuse back", inFile: "in the file", saved: "✔ Saved.", unsaved: "Not saved",
    newMeeting: "Add a meeting", changed: "Change the meeting", subject: "Subject", start: "Starts at", duration: "Lasts (as in 1h30m)", mAreas: "Areas, parted by ; (both empty: every site)",
    mSites: "Single sites, parted by ;", mExcept: "Except", preview: "Preview", save: "Save", discard: "Discard", change: "Change", cancel: "Cancel the meeting", sure: "Press again to cancel",
    previewed: (when, n) => `Preview: ${when}, ${n} sites.`, noNext: "Preview: it does not take place any time soon.", earlier: "Earlier", logColumns: ["When", "Who", "Address", "What", "Subject", "Before", "After"],
    keyTitle: "Use an access token", keyHelp: "For screens without a keyboard. The token stands in the collector's token_file.",
    keyLabel: "Access token", keyEnter: "Enter",
    refused: {
      wrong: () => "Name or password is wrong.", slow: (s) => `Wrong too often; try again in ${s} seconds.`,
      busy: () => "Many people are signing in; try again.", foreign: () => "This page is not the collector's own; a proxy must pass Host on.",
      key: () => "This token is not right.", failed: () => "The collector could not answer; try again.",
    },
    wall: "Wall", print: "Print the roll call", rollCall: "Roll call", search: "Search sites, diacritics do not matter",
    keys: "Arrow keys lead from tile to tile, Page Up and Page Down from area to area, Enter opens a site.", incidents: "Incidents", filters: "Filter by verdict", meetings: "Meeting", back: "← Back to the board", reasons: "Why, and what to do",
    contact: "Whom to call", capabilities: "Capabilities", readings: "Latest readings", agent: "The site's PC",
    language: "Tiếng Việt", all: "Every site", noMeeting: "No meeting within 24 hours", noArea: "Without an area",
    starts: (time) => `Starts at ${time}`, until: (time) => `In session until ${time}`, ended: "Over", sites: (n) => `${n} sites`,
    nothing: "No site fits", allWell: "✔ No site has a problem", more: (n) => `(and ${n} more)`,
    unmatched: (names) => `In the schedule, but matching no site: ${names}`,
    stale: (time) => `⚠ No word from the collector: this board shows ${time}, not now. Connecting again…`,
    full: "⚠ Too many pages show this board; trying again.", judged: (time) => `Judged at ${time}`, since: (time) => `since ${time}`,
    became: (name, word) => `${name}: ${word}`, others: (n) => `and ${n} more sites`, noContact: "The inventory names nobody.",
    gone: "This site is no longer in the inventory.", well: "Nothing to do.", never: "never", ago: (age) => `${age} ago`,
    needed: "yes", evidence: "Evidence:", seen: (age) => `Last heard: ${age}`, clock: (s) => `clock off by ${s} s`, good: "passed", failed: "failed", old: "too old",
    queue: "Waiting PCs", queueOf: (n) => `Waiting PCs (${n})`, queueNone: "No PC waits.",
    queueHelp: "They enrolled with the fleet's code. Ask the technician for the number on the screen, choose the site, press Assign; until then the PC counts for nothing.",
    told: (addresses) => `says ${addresses} of itself`, waits: "waits since", heard: "asked", find: "Which site is it? Type its name, diacritics do not matter", choices: (n) => `The site of PC number ${n}`,
    clues: { host: "by the PC's name", subnet: "by its network", place: "the PC is called as the site" }, hasPc: "has a PC", moreSites: (n) => `and ${n} more sites; type more`,
    replace: "Replace the PC that this site has", assign: "Assign", assigned: (n, name) => `✔ PC number ${n} is ${name}; it learns that within minutes.`, choose: "No site is chosen.",
    unassigned: { 404: "This PC waits no longer.", 409: "This site has a PC. If that one is to be replaced, tick the box above and press Assign again.", 422: "This site is no longer in the inventory." },
    columns: ["Capability", "Verdict", "Needed", "Evidence"], probes: ["Probe", "Result", "Taken", "Detail"], unit: ["s", "min", "h", "d"],
  },
};
// The worst first; the sign says without colour what the colour says.
const SIGNS = { not_ready: "✖", unknown: "?", degraded: "▲", excused: "⏸", ready: "✔" };
const ORDER = Object.keys(SIGNS);
const RANK = Object.fromEntries(ORDER.map((verdict, rank) => [verdict, rank]));
// Three beats: a longer silence is no calm.
const SILENCE = 45_000;
// Between two attempts to connect.
const AGAIN = 3_000;
// A page of the wall, long enough to read the tiles of one.
const PAGE = 10_000;
// Between two looks at an open site's page.
const LOOK = 5_000;
// Between two counts of the PCs that wait while nobody looks at them.
const COUNT = 60_000;
// Sites to choose from; who sees none of them types another letter.
const CHOICES = 8;
// Names that are read aloud at once.
const ALOUD = 4;

const asked = new URLSearchParams(location.search);
const language = asked.get("lang") === "en" ? "en" : "vi";
const words = WORDS[language];
const $ = (id) => document.getElementById(id);

let picture = null;
let chosen = null;      // a meeting's id, "" for every site, null for whichever is in focus
let filter = new Set();
let needle = "";
let tiles = new Map();  // place of a site → its tile
let sections = [];      // by the area's place
let stop = null;        // the one tile at which Tab stops
let clock = 0;          // the collector's clock minus this one's
let me = null;          // who looks on: { user, role, proof }
let live = false;
let judgedAt = 0, heardAt = performance.now(), full = false;

// --- words, times ---------------------------------------------------------------------------

const time = (at, options) =>
  new Intl.DateTimeFormat(language === "vi" ? "vi-VN" : "en-GB", { timeZone: "Asia/Ho_Chi_Minh", ...options }).format(at);
const hour = (at) => time(at, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = (at) => time(at, { weekday: "short", day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit" });
const now = () => Date.now() + clock;

function ago(at) {
  if (at === null) return words.never;
  const seconds = Math.max(0, Math.round((now() - at) / 1000));
  const [size, unit] = seconds < 120 ? [1, 0] : seconds < 7200 ? [60, 1] : seconds < 172800 ? [3600, 2] : [86400, 3];
  return words.ago(`${Math.floor(seconds / size)} ${words.unit[unit]}`);
}

// The same for every way to write Vietnamese: "Hoằng Hóa", "HOANG HOA".
const folded = (text) =>
  text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("đ", "d").replace(/\s+/g, " ").trim();

function element(name, text = "", classes = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

// --- what is shown --------------------------------------------------------------------------

const meetingId = () => chosen ?? picture.focus ?? "";
const meeting = () => picture.meetings.find(({ id, sites }) => id === meetingId() && sites !== null);
// The meeting's id, while it is not over.
const soonId = () => (meeting() && now() < meeting().end ? meeting().id : null);
const standing = (place) => picture.apart[meetingId()]?.[place] ?? picture.sites[place];
const inScope = () => meeting()?.sites ?? [...picture.sites.keys()];

function fits(place) {
  const verdict = standing(place).verdict;
  const onWall = document.body.classList.contains("onwall");
  if (filter.size ? !filter.has(verdict) : onWall && RANK[verdict] >= RANK.excused) return false;
  return !needle || picture.folded[place].includes(needle);
}

function fillTile(tile, place) {
  const { name } = picture.sites[place];
  const { verdict, why, more } = standing(place);
  tile.dataset.verdict = verdict;
  tile.dataset.site = picture.sites[place].id;
  const sign = element("span", SIGNS[verdict] + " ", "sign");
  sign.setAttribute("aria-hidden", "true");
  const title = element("span", "", "name");
  const text = element("bdi", name);
  title.append(sign, text);
  const parts = [title, element("span", picture.words[verdict], "word")];
  if (why) parts.push(element("span", more ? `${why} ${words.more(more)}` : why, "why"));
  const { given } = picture.sites[place];
  if (given) parts.push(element("span", words.given(given.who, given.note), "given"));
  tile.replaceChildren(...parts);
}

function drawArea(area) {
  const { section, heading, list, places } = sections[area];
  const shown = places.filter(fits);
  shown.sort((a, b) => RANK[standing(a).verdict] - RANK[standing(b).verdict] || a - b);
  const bad = places.filter((place) => RANK[standing(place).verdict] <= RANK.unknown).length;
  sections[area].bad = bad;
  sections[area].shown = shown.length;
  const counts = ORDER.map((verdict) => [verdict, places.filter((place) => standing(place).verdict === verdict).length]);
  const told = counts.filter(([, count]) => count).map(([verdict, count]) => `${SIGNS[verdict]} ${count}`).join("  ");
  heading.replaceChildren(element("bdi", picture.areas[area] || words.noArea), element("span", `  ${told}`));
  section.hidden = shown.length === 0;
  arrange(list, shown.map((place) => tiles.get(place).parentElement));
}

// Only what moves is touched: of ten thousand tiles one that turns bad costs no more than one, and
// who reads a tile keeps the focus.
function arrange(box, wanted) {
  const focused = document.activeElement;
  let here = box.firstElementChild;
  for (const item of wanted) {
    if (here && here.nextElementSibling === item) {
      here.remove();
      here = item;
    }
    if (here === item) here = here.nextElementSibling;
    else box.insertBefore(item, here);
  }
  while (here) {
    const next = here.nextElementSibling;
    here.remove();
    here = next;
  }
  if (focused !== document.activeElement && box.contains(focused)) focused.focus({ preventScroll: true });
}

const SHOWN = ".area:not([hidden]) .tile";

// Tab leads to one tile, and from there past all the others.
function stopAt(tile) {
  if (stop) stop.tabIndex = -1;
  stop = tile;
  if (stop) stop.tabIndex = 0;
}

// The tile to which a key leads: along the row, the nearest of the row above or below, or the first of
// the area before or after.
function neighbour(tile, key) {
  const all = [...$("areas").querySelectorAll(SHOWN)];
  const here = all.indexOf(tile);
  if (key === "Home" || key === "End") return all.at(key === "Home" ? 0 : -1);
  if (key === "ArrowLeft" || key === "ArrowRight") return all[here + (key === "ArrowLeft" ? -1 : 1)];
  if (key === "PageUp" || key === "PageDown") {
    const areas = [...$("areas").querySelectorAll(".area:not([hidden])")];
    return areas[areas.indexOf(tile.closest(".area")) + (key === "PageUp" ? -1 : 1)]?.querySelector(".tile");
  }
  const step = key === "ArrowUp" ? -1 : 1;
  const { left, top } = tile.getBoundingClientRect();
  let nearest, away = Infinity, row = null;
  for (let at = here + step; all[at]; at += step) {
    const box = all[at].getBoundingClientRect();
    if (box.top === top) continue;
    row ??= box.top;
    if (box.top !== row) break;
    if (Math.abs(box.left - left) < away) [nearest, away] = [all[at], Math.abs(box.left - left)];
  }
  return nearest;
}

const LEADS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"]);

function walk(event) {
  if (!LEADS.has(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
  const tile = event.target.closest(".tile");
  const next = tile && neighbour(tile, event.key);
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

// Areas with the most trouble first, others as people look for names.
function orderAreas() {
  const order = [...sections.keys()].filter((area) => sections[area]);
  order.sort((a, b) => sections[b].bad - sections[a].bad || a - b);
  arrange($("areas"), order.map((area) => sections[area].section));
  const any = order.some((area) => sections[area].shown);
  if (!stop?.isConnected || stop.closest(".area").hidden) stopAt($("areas").querySelector(SHOWN));
  $("none").hidden = any;
  const calm = document.body.classList.contains("onwall") && !filter.size && !needle;
  $("none").textContent = calm ? words.allWell : words.nothing;
}

function drawCall() {
  tiles = new Map();
  sections = [];
  for (const place of inScope()) {
    const area = picture.sites[place].area;
    sections[area] ??= newArea();
    sections[area].places.push(place);
    const tile = element("button", "", "tile");
    tile.type = "button";
    tile.tabIndex = -1;
    tile.dataset.place = place;
    fillTile(tile, place);
    const item = document.createElement("li");
    item.append(tile);
    tiles.set(place, tile);
  }
  $("areas").replaceChildren();
  redraw();
}

function newArea() {
  const section = element("section", "", "area");
  const heading = element("h3");
  const list = element("ul", "", "tiles");
  section.append(heading, list);
  return { section, heading, list, places: [], bad: 0, shown: 0 };
}

function redraw() {
  for (const area of sections.keys()) if (sections[area]) drawArea(area);
  orderAreas();
  drawCounts();
}

function drawCounts() {
  const counts = Object.fromEntries(ORDER.map((verdict) => [verdict, 0]));
  for (const place of inScope()) counts[standing(place).verdict] += 1;
  for (const button of $("filters").children) {
    const { verdict } = button.dataset;
    button.dataset.count = counts[verdict];
    const sign = element("span", SIGNS[verdict] + " ", "sign");
    sign.setAttribute("aria-hidden", "true");
    button.replaceChildren(sign, element("b", counts[verdict]), ` ${picture.words[verdict]}`);
    button.setAttribute("aria-pressed", filter.has(verdict));
  }
}

function drawHead() {
  const shown = meeting();
  const coming = picture.meetings.find(({ id }) => id === picture.focus);
  $("title").textContent = shown?.title ?? (coming ? words.all : words.noMeeting);
  document.title = `${$("title").textContent} · Nhịp Cầu`;
  const unmatched = shown?.unmatched ?? [];
  $("unmatched").hidden = unmatched.length === 0;
  $("unmatched").textContent = words.unmatched(unmatched.join("; "));
  const choices = picture.meetings.filter(({ sites }) => sites !== null);
  const options = choices.map(({ id, title, start }) => [id, `${day(start)} ${title}`]).concat([["", words.all]]);
  $("meetings").replaceChildren(...options.map(([id, text]) => Object.assign(element("option", text), { value: id })));
  $("meetings").value = shown?.id ?? "";
  $("meetings").hidden = choices.length === 0;
  drawIncidents();
  tick();
}

function drawIncidents() {
  // What somebody is typing stays.
  const typed = new Map([...$("incidents").querySelectorAll("input")].map((input) => [input.name, input]));
  const focused = document.activeElement?.name;
  $("incidents").replaceChildren(...picture.incidents.map((incident) => {
    const { text, since, given, uplink, area } = incident;
    const line = element("li", `${text} (${words.since(hour(since))}) `);
    if (given) line.append(element("bdi", words.given(given.who, given.note), "given"), takeBackButton(given.id));
    else line.append(acknowledgeForm(uplink === undefined ? { area } : { uplink }, typed));
    return line;
  }));
  if (focused) document.getElementsByName(focused)[0]?.focus();
}

function acknowledgeForm(of, typed) {
  const form = element("form", "", "forActs");
  const name = Object.entries(of).flat().join("=");
  const note = typed.get(name) ?? Object.assign(element("input"), { name, maxLength: 256, placeholder: words.note, autocomplete: "off" });
  note.setAttribute("aria-label", words.note);
  form.append(note, element("button", words.acknowledge));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act("POST", "/api/v1/acknowledgements", { ...of, note: note.value, meeting: soonId() }).catch(() => null);
  });
  return form;
}

function takeBackButton(id) {
  const button = Object.assign(element("button", words.unacknowledge, "forActs"), { type: "button" });
  button.addEventListener("click", () => act("DELETE", `/api/v1/acknowledgements/${id}`).catch(() => null));
  return button;
}

function countdown(millis) {
  const seconds = Math.max(0, Math.ceil(millis / 1000));
  const two = (n) => String(n).padStart(2, "0");
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function tick() {
  const long = performance.now() - heardAt > SILENCE || (judgedAt && now() - judgedAt > SILENCE);
  const silent = long && $("gate").hidden;
  $("stale").hidden = !silent && !full;
  const told = full ? words.full : silent ? words.stale(judgedAt ? hour(judgedAt) : "–") : "";
  if ($("stale").textContent !== told) $("stale").textContent = told;
  if (!picture) return;
  const shown = meeting() ?? picture.meetings.find(({ id }) => id === picture.focus);
  const at = now();
  const late = shown && at >= shown.start;
  $("countdown").textContent = shown ? (late ? "" : "−") + countdown(late ? shown.end - at : shown.start - at) : "";
  $("when").textContent = !shown ? words.sites(picture.sites.length)
    : `${at >= shown.end ? words.ended : late ? words.until(day(shown.end)) : words.starts(day(shown.start))} · ${words.sites(inScope().length)}`;
  $("judged").textContent = words.judged(hour(judgedAt));
  for (const age of document.querySelectorAll("[data-at]")) age.textContent = ago(Number(age.dataset.at));
}

// --- what is heard --------------------------------------------------------------------------

function takeTime({ now: at, at: judged }) {
  clock = at - Date.now();
  judgedAt = judged;
}

function takePicture(data) {
  picture = data;
  picture.folded = data.sites.map(({ id, name, area }) => folded(`${name} ${data.areas[area]} ${id}`));
  if (chosen && !data.meetings.some(({ id, sites }) => id === chosen && sites)) chosen = null;
  $("board").hidden = !$("gate").hidden;
  drawHead();
  drawCall();
  route();
}

function takeChange(change) {
  takeTime(change);
  const before = meetingId();
  const touched = new Set();
  for (const [place, told] of Object.entries(change.sites ?? {})) {
    Object.assign(picture.sites[place], told);
    touched.add(Number(place));
  }
  for (const [id, sites] of Object.entries(change.apart ?? {})) {
    const known = (picture.apart[id] ??= {});
    for (const [place, told] of Object.entries(sites)) {
      if (told) known[place] = told; else delete known[place];
      if (id === before) touched.add(Number(place));
    }
  }
  for (const [place, given] of Object.entries(change.given ?? {})) {
    picture.sites[place].given = given;
    touched.add(Number(place));
  }
  const aloud = change.incidents ? newIncidents(change.incidents) : [];
  if (change.incidents) { picture.incidents = change.incidents; drawIncidents(); }
  if (change.focus !== picture.focus) {
    picture.focus = change.focus;
    if (meetingId() !== before) { drawHead(); drawCall(); return; }
  }
  drawTouched(touched, aloud);
}

function newIncidents(incidents) {
  const key = ({ uplink, area }) => JSON.stringify([uplink, area]);
  const known = new Set(picture.incidents.map(key));
  return incidents.filter((incident) => !known.has(key(incident))).map(({ text }) => text);
}

// What is read aloud begins with `aloud`.
function drawTouched(touched, aloud) {
  const areas = new Set();
  for (const place of touched) {
    const tile = tiles.get(place);
    if (!tile) continue;
    const { verdict } = standing(place);
    if (tile.dataset.verdict !== verdict) {
      aloud.push(words.became(picture.sites[place].name, picture.words[verdict]));
      tile.classList.remove("changed");
      requestAnimationFrame(() => tile.classList.add("changed"));
    }
    fillTile(tile, place);
    areas.add(picture.sites[place].area);
    if (openSite === picture.sites[place].id) look();
  }
  for (const area of areas) drawArea(area);
  if (areas.size) { orderAreas(); drawCounts(); }
  const rest = aloud.length - ALOUD;
  if (aloud.length) $("news").textContent = aloud.slice(0, ALOUD).concat(rest > 0 ? [words.others(rest)] : []).join(". ");
}

const HEARD = { beat: takeTime, picture: takePicture, change: takeChange };


// EventSource could not show the token, so the stream is read by hand: one event a block, one
// line of data an event.
async function listen() {
  const answer = await get(`/board/events?lang=${language}`);
  full = answer.status === 503;
  if (!answer.ok) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const blocks = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heardAt = performance.now();
    blocks.push(value);
    if (!value.includes("\n")) continue;
    const events = blocks.join("").split("\n\n");
    blocks.splice(0, blocks.length, events.pop());
    for (const event of events) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
      HEARD[name]?.(JSON.parse(data));
    }
    tick();
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, AGAIN));

async function stayLive() {
  if (live) return;
  live = true;
  while (me.role) {
    await listen().catch(() => {});
    await pause();
    await meet();
  }
  live = false;
}

// --- who looks on ---------------------------------------------------------------------------

function get(path) {
  const token = sessionStorage.getItem("token");
  return fetch(path, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
}

// Changes something in the name of whoever has signed in. The proof shows that this page asks, and
// not another one whose request the browser gave the cookie to.
function act(method, path, body) {
  const token = sessionStorage.getItem("token");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (me.proof) headers["X-CSRF-Token"] = me.proof;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

// The same from a form, which then says what came of it.
async function actIn(form, method, path, body) {
  const said = form.querySelector(".said");
  said.textContent = "";
  const answer = await act(method, path, body).catch(() => null);
  if (answer?.ok) { said.textContent = words.saved; return answer; }
  if (answer?.status === 401 || answer?.status === 403) await meet();
  const { error, faults } = await answer?.json().catch(() => ({})) ?? {};
  const told = (faults ?? []).map((fault) => fault.message ? `${fault.key}: ${fault.message}` : fault);
  said.textContent = [words.unsaved, error, ...told].filter(Boolean).join(". ");
  return null;
}

let introductions = 0;

// Asks who we are; whoever may not look is asked to sign in. Says whether there was an answer.
async function meet() {
  const introduction = ++introductions, token = sessionStorage.getItem("token");
  const answer = await get("/board/session").catch(() => null);
  // Somebody has tried a token meanwhile: that answer counts, whichever comes first.
  if (introduction !== introductions) return true;
  if (!answer?.ok) return false;
  const before = me;
  me = await answer.json();
  $("who").textContent = me.user ? `${me.user} · ${words.signOut}` : words.signIn;
  $("who").hidden = !me.user && me.role === "operate";
  document.body.classList.toggle("operates", me.role === "operate");
  if (me.role) {
    if (!before?.role) closeGate();
    stayLive();
    if (before?.role !== me.role) drawQueue();
  } else {
    refuse(before?.role ? words.over : token ? words.refused.key() : "");
    sessionStorage.removeItem("token");
    openGate();
  }
  return true;
}

async function enter() {
  while (!await meet()) await pause();
}

function openGate() {
  $("notNow").hidden = !me.role;
  $("board").hidden = true;
  $("gate").hidden = false;
  $("user").focus();
}

function closeGate() {
  refuse("");
  $("password").value = "";
  $("gate").hidden = true;
  $("board").hidden = !picture;
}

function refuse(told) {
  $("refused").textContent = told;
  $("refused").hidden = !told;
}

async function signIn(event) {
  event.preventDefault();
  const given = { user: $("user").value, password: $("password").value };
  sessionStorage.removeItem("token");
  event.submitter.disabled = true;
  const answer = await act("POST", "/board/sign-in", given).catch(() => null);
  event.submitter.disabled = false;
  if (answer?.ok) {
    closeGate();
    await enter();
    $("who").focus();
    return;
  }
  const { error, seconds } = await answer?.json().catch(() => ({})) ?? {};
  refuse((words.refused[error] ?? words.refused.failed)(seconds));
  $("password").value = "";
  $("password").focus();
}

async function signOutOrIn() {
  if (!me.user) { openGate(); return; }
  await act("POST", "/board/sign-out").catch(() => null);
  location.reload();
}

// --- a site's page --------------------------------------------------------------------------

let openSite = null, lookedFor = 0;

function route() {
  const id = /^#site=(.+)$/.exec(location.hash)?.[1];
  const before = openSite;
  openSite = id ? decodeURIComponent(id) : null;
  const view = openSite ? "site" : { "#meetings": "office", "#audit": "log", "#waiting": "queue" }[location.hash] ?? "call";
  // Who is writing when the whole picture comes anew goes on writing.
  const turned = $(view).hidden;
  for (const name of ["call", "site", "office", "log", "queue"]) $(name).hidden = name !== view;
  const draw = { office: drawOffice, log: drawLog, queue: drawQueue }[view];
  if (draw && turned) { draw(); $(view).focus(); }
  if (openSite && openSite !== before) {
    $("siteName").textContent = openSite;
    for (const form of $("site").querySelectorAll("form")) { form.reset(); form.querySelector(".said").textContent = ""; }
    const end = meeting()?.end;
    $("until").value = wall(end > now() ? end : now() + 4 * 3_600_000);
    drawAbsences();
    look().then(() => $("siteName").focus());
  } else if (before && view === "call") {
    document.querySelector(`.tile[data-site="${CSS.escape(before)}"]`)?.focus();
  }
}

async function look() {
  const id = openSite, number = ++lookedFor;
  if (!id || $("board").hidden) return;
  const query = `lang=${language}&meeting=${encodeURIComponent(meeting()?.id ?? "")}`;
  const answer = await get(`/board/sites/${encodeURIComponent(id)}?${query}`).catch(() => null);
  if (!answer || number !== lookedFor || id !== openSite) return;
  if (answer.status === 404) $("siteVerdict").textContent = words.gone;
  if (answer.ok) drawSite(await answer.json());
}

function age(at) {
  const made = element("span", ago(at), "age");
  if (at !== null) made.dataset.at = at;
  return made;
}

function drawSite(site) {
  $("siteName").textContent = site.name;
  $("sitePlace").textContent = [site.id, site.area].filter(Boolean).join(" · ");
  $("siteVerdict").textContent = `${SIGNS[site.verdict]} ${site.word}`;
  $("siteVerdict").dataset.verdict = site.verdict;
  const given = openGiven();
  $("siteGiven").textContent = given ? words.given(given.who, given.note) : "";
  $("unacknowledge").hidden = !given;
  $("siteReasons").replaceChildren(...site.reasons.map(({ text, at }) => {
    const line = element("li");
    line.append(element("bdi", `${text}.`), ` ${words.evidence} `, age(at));
    return line;
  }));
  if (site.reasons.length === 0) $("siteReasons").append(element("li", words.well));
  const contact = $("siteContact");
  contact.replaceChildren(site.contact ? element("bdi", `${site.contact.name} `) : words.noContact);
  if (site.contact?.phone) {
    const call = element("a", `☎ ${site.contact.phone}`);
    call.href = `tel:${site.contact.phone.replace(/[^+\d]/g, "")}`;
    contact.append(call);
  }
  table($("siteCapabilities"), words.columns, site.capabilities.map(({ name, verdict, word, needed, at }) => {
    const cell = element("td", `${SIGNS[verdict]} ${word}`);
    cell.dataset.verdict = verdict;
    return [element("td", name), cell, element("td", needed ? words.needed : "–"), wrapped(age(at))];
  }));
  table($("siteReadings"), words.probes, site.readings.map(({ probe, kind, success, fresh, at, detail }) => {
    const said = success ? `✔ ${words.good}` : `✖ ${words.failed}`;
    return [element("td", `${probe} (${kind})`), element("td", fresh ? said : `${said}, ${words.old}`), wrapped(age(at)), element("td", detail ?? "")];
  }));
  const seen = element("span", "");
  seen.append(words.seen(ago(site.last_seen)));
  const offset = site.clock_offset_millis === null ? null : words.clock((site.clock_offset_millis / 1000).toFixed(1));
  $("siteAgent").replaceChildren(seen, [""].concat([site.agent, offset].filter(Boolean)).join(" · "));
}

const openGiven = () => picture.sites.find(({ id }) => id === openSite)?.given;

function wrapped(inner) {
  const cell = element("td");
  cell.append(inner);
  return cell;
}

function table(into, columns, rows) {
  const line = (cells) => { const row = element("tr"); row.append(...cells); return row; };
  const head = columns.map((column) => Object.assign(element("th", column), { scope: "col" }));
  into.replaceChildren(line(head), ...rows.map(line));
}

// --- acts -----------------------------------------------------------------------------------

// As a field for a time has it, on the clocks in Vietnam, and as the collector reads it.
const wall = (at) =>
  new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Ho_Chi_Minh", dateStyle: "short", timeStyle: "short" }).format(at).replace(" ", "T");

async function acknowledge(event) {
  event.preventDefault();
  const asked = { site: openSite, note: $("note").value, meeting: soonId() };
  if (await actIn(event.target, "POST", "/api/v1/acknowledgements", asked)) $("note").value = "";
  look();
}

async function excuse(event) {
  event.preventDefault();
  const asked = { site: openSite, from: wall(now()), to: $("until").value, reason: $("reason").value };
  if (await actIn(event.target, "POST", "/api/v1/absences", asked)) $("reason").value = "";
  drawAbsences();
}

async function drawAbsences() {
  const site = openSite;
  const answer = me.role === "operate" ? await get("/api/v1/absences").catch(() => null) : null;
  const { absences } = answer?.ok ? await answer.json() : { absences: [] };
  if (site !== openSite) return;
  $("siteAbsences").replaceChildren(...absences.filter((absence) => absence.site === site).map(({ id, reason, to }) => {
    const line = element("li");
    line.append(element("bdi", words.absence(reason, day(Date.parse(to)))), " ");
    if (id === null) { line.append(words.inFile); return line; }
    const button = Object.assign(element("button", words.takeBack), { type: "button" });
    button.addEventListener("click", async () => {
      await actIn($("excuse"), "DELETE", `/api/v1/absences/${id}`);
      drawAbsences();
    });
    line.append(button);
    return line;
  }));
}

let planned = null;     // the definition that is being changed

const parted = (text) => text.split(";").map((name) => name.trim()).filter(Boolean);

// The meeting in the form; what the form does not know of a definition stays as it is.
function plannedNow() {
  const title = $("mTitle").value.trim(), start = $("mStart").value;
  const made = `${folded(title).replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 40) || "hop"}-${start.replace(/\D/g, "")}`;
  const [areas, ids, except] = ["mAreas", "mSites", "mExcept"].map((name) => parted($(name).value));
  const named = areas.length + ids.length + (planned?.sites?.levels?.length ?? 0);
  const sites = named || except.length ? { ...planned?.sites, areas, ids, except } : undefined;
  return { ...planned, id: planned?.id ?? made, title, start, duration: $("mDuration").value, sites };
}

async function plan(event) {
  event.preventDefault();
  const meeting = plannedNow(), form = event.target;
  const preview = event.submitter?.value !== "save";
  const [method, path] = planned ? ["PUT", `/api/v1/meetings/${encodeURIComponent(meeting.id)}`] : ["POST", "/api/v1/meetings"];
  const answer = await actIn(form, method, preview ? `${path}?preview=true` : path, meeting);
  if (!answer) return;
  const { occurrences: [next] } = await answer.json();
  const unmatched = next?.unmatched.length ? ` ${words.unmatched(next.unmatched.join("; "))}` : "";
  const told = next ? words.previewed(day(Date.parse(next.start)), next.site_count) + unmatched : words.noNext;
  if (preview) { form.querySelector(".said").textContent = told; return; }
  form.reset();
  form.querySelector(".said").textContent = words.saved + unmatched;
  drawOffice();
}

async function drawOffice() {
  const answer = await get("/api/v1/meetings").catch(() => null);
  if (!answer?.ok) return;
  const { meetings, occurrences } = await answer.json();
  const next = (id) => occurrences.find((occurrence) => occurrence.id.startsWith(`${id}@`));
  $("planned").replaceChildren(...meetings.map(({ id, title, source, file }) => {
    const line = element("li");
    const start = next(id)?.start;
    line.append(element("bdi", [start ? day(Date.parse(start)) : "–", title].join(" ")), " ");
    if (source !== "api") { line.append(file ?? ""); return line; }
    const change = Object.assign(element("button", words.change), { type: "button" });
    change.addEventListener("click", () => startChange(id));
    const cancel = Object.assign(element("button", words.cancel), { type: "button" });
    cancel.addEventListener("click", () => cancelSurely(cancel, id));
    for (const button of [change, cancel]) button.setAttribute("aria-label", `${button.textContent}: ${title}`);
    line.append(change, " ", cancel);
    return line;
  }));
}

async function startChange(id) {
  const answer = await get(`/api/v1/meetings/${encodeURIComponent(id)}`).catch(() => null);
  const { definition } = answer?.ok ? await answer.json() : {};
  if (!definition) return;
  planned = definition;
  const { title, start, duration, sites } = definition;
  const fill = { mTitle: title, mStart: start.slice(0, 16), mDuration: duration };
  for (const [field, names] of [["mAreas", sites?.areas], ["mSites", sites?.ids], ["mExcept", sites?.except]]) fill[field] = (names ?? []).join("; ");
  for (const [field, value] of Object.entries(fill)) $(field).value = value;
  $("planTitle").textContent = words.changed;
  $("mTitle").focus();
}

async function cancelSurely(button, id) {
  if (button.textContent !== words.sure) { button.textContent = words.sure; return; }
  await actIn($("plan"), "DELETE", `/api/v1/meetings/${encodeURIComponent(id)}`);
  drawOffice();
}

async function drawLog(before = null) {
  const answer = await get(`/api/v1/audit?lang=${language}${before ? `&before=${before}` : ""}`).catch(() => null);
  if (!answer?.ok) return;
  const { entries, more_before: more } = await answer.json();
  const rows = entries.map(({ at, who, address, word, subject, before: was, after }) =>
    [day(Date.parse(at)), who, address, word, subject, was ?? "", after ?? ""].map((text) => element("td", text)));
  if (!before) table($("logTable"), words.logColumns, rows);
  else for (const cells of rows) $("logTable").insertRow().append(...cells);
  $("logMore").hidden = !more;
  $("logMore").onclick = () => drawLog(more);
}

// --- PCs that wait for their site -----------------------------------------------------------

const pcs = new Map();  // number → its line

async function drawQueue() {
  if (me?.role !== "operate") return;
  const answer = await get("/api/v1/waiting").catch(() => null);
  if (!answer?.ok) return;
  const { waiting } = await answer.json();
  $("queueLink").textContent = waiting.length ? words.queueOf(waiting.length) : words.queue;
  $("queueNone").hidden = waiting.length > 0;
  if ($("queue").hidden || !picture) return;
  const still = new Set(waiting.map(({ id }) => id));
  for (const id of pcs.keys()) if (!still.has(id)) pcs.delete(id);
  arrange($("pcs"), waiting.map((pc) => {
    // What somebody has typed or chosen stays.
    if (!pcs.has(pc.id)) pcs.set(pc.id, newPc(pc));
    const heard = pcs.get(pc.id).querySelector("[data-at]");
    heard.dataset.at = Date.parse(pc.heard_at);
    heard.textContent = ago(Number(heard.dataset.at));
    return pcs.get(pc.id);
  }));
}

function newPc(pc) {
  const line = element("li", "", "pc");
  const heading = element("h3", `${pc.id} · `);
  heading.append(element("bdi", pc.hostname));
  const others = pc.addresses.filter((address) => address !== pc.address);
  const facts = [pc.address, others.length ? words.told(others.join(", ")) : "", pc.os, pc.version, `${words.waits} ${day(Date.parse(pc.asked_at))}`];
  const told = element("p");
  for (const fact of facts.filter(Boolean)) told.append(element("bdi", fact), " · ");
  told.append(`${words.heard} `, age(Date.parse(pc.heard_at)));
  line.append(heading, told, assignForm(pc));
  return line;
}

function assignForm(pc) {
  const form = element("form", "", "act");
  const find = Object.assign(element("input"), { id: `find${pc.id}`, type: "search", autocomplete: "off", spellcheck: false });
  const label = Object.assign(element("label", words.find), { htmlFor: find.id });
  const choices = element("fieldset");
  const replace = element("label", "", "replace");
  replace.hidden = true;
  replace.append(Object.assign(element("input"), { type: "checkbox", name: "replace" }), words.replace);
  const said = element("p", "", "said");
  said.setAttribute("role", "status");
  const button = element("button", words.assign);
  button.setAttribute("aria-label", `${words.assign}: ${pc.id} ${pc.hostname}`);
  form.append(label, find, choices, replace, button, said);
  find.addEventListener("input", () => drawChoices(form, pc));
  form.addEventListener("change", () => { replace.hidden = !choices.querySelector("[data-taken]:checked"); });
  form.addEventListener("submit", (event) => { event.preventDefault(); assign(form, pc); });
  drawChoices(form, pc);
  return form;
}

// The sites that fit what is typed, or those that the collector suggests.
function drawChoices(form, pc) {
  const typed = folded(form.querySelector("input").value);
  const suggested = new Map(pc.suggested.map((one) => [one.site, one]));
  const all = [...picture.sites.keys()];
  const found = typed ? all.filter((place) => picture.folded[place].includes(typed))
    : [...suggested.keys()].map((site) => all.find((place) => picture.sites[place].id === site)).filter((place) => place !== undefined);
  const legend = element("legend", words.choices(pc.id), "unseen");
  const choices = form.querySelector("fieldset");
  choices.replaceChildren(legend, ...found.slice(0, CHOICES).map((place) => choice(place, pc, suggested, found.length === 1)));
  if (found.length > CHOICES) choices.append(element("p", words.moreSites(found.length - CHOICES)));
  if (typed && !found.length) choices.append(element("p", words.nothing));
  form.dispatchEvent(new Event("change"));
}

function choice(place, pc, suggested, only) {
  const { id, name, area } = picture.sites[place];
  const { by, enrolled } = suggested.get(id) ?? { by: [] };
  const label = element("label");
  const radio = Object.assign(element("input"), { type: "radio", name: `site${pc.id}`, value: id, checked: only });
  if (enrolled) radio.dataset.taken = "";
  const why = by.map((clue) => words.clues[clue]).concat(enrolled ? [words.hasPc] : []);
  label.append(radio, element("bdi", [name, id, picture.areas[area]].filter(Boolean).join(" · ")));
  if (why.length) label.append(element("span", ` ${why.join(", ")}`, "age"));
  return label;
}

async function assign(form, pc) {
  const said = form.querySelector(".said"), chosen = form.querySelector("[type=radio]:checked");
  said.textContent = "";
  if (!chosen) { said.textContent = words.choose; form.querySelector("input").focus(); return; }
  const replace = form.elements.replace.checked && !form.elements.replace.parentElement.hidden;
  const answer = await act("POST", `/api/v1/waiting/${pc.id}`, { site: chosen.value, replace }).catch(() => null);
  if (answer?.ok) {
    $("queueSaid").textContent = words.assigned(pc.id, chosen.parentElement.querySelector("bdi").textContent);
    const next = pcs.get(pc.id)?.nextElementSibling?.querySelector("input") ?? $("queue");
    await drawQueue();
    next.focus();
    return;
  }
  if (answer?.status === 401 || answer?.status === 403) await meet();
  said.textContent = words.unassigned[answer?.status] ?? words.unsaved;
  if (answer?.status !== 409) return;
  chosen.dataset.taken = "";
  form.dispatchEvent(new Event("change"));
  form.elements.replace.focus();
}

// --- the wall -------------------------------------------------------------------------------

function setWall(on) {
  document.body.classList.toggle("onwall", on);
  $("wall").setAttribute("aria-pressed", on);
  if (on && !document.fullscreenElement) document.documentElement.requestFullscreen?.().catch(() => {});
  if (!on && document.fullscreenElement) document.exitFullscreen();
  if (picture) redraw();
}

function turnPage() {
  if (!document.body.classList.contains("onwall")) return;
  const box = $("areas");
  const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 2;
  box.scrollTop = atEnd ? 0 : box.scrollTop + box.clientHeight * 0.9;
}

// --- begin ----------------------------------------------------------------------------------

function begin() {
  document.documentElement.lang = language;
  for (const told of document.querySelectorAll("[data-word]")) told.textContent = words[told.dataset.word];
  $("search").placeholder = words.search;
  $("filters").setAttribute("aria-label", words.filters);
  $("meetings").setAttribute("aria-label", words.meetings);
  $("incidents").setAttribute("aria-label", words.incidents);
  $("tools").setAttribute("aria-label", "Nhịp Cầu");
  const other = language === "vi" ? "en" : "vi";
  Object.assign($("language"), { textContent: words.language, lang: other, href: `?lang=${other}` });
  $("filters").append(...ORDER.map((verdict) => {
    const button = element("button");
    button.type = "button";
    button.dataset.verdict = verdict;
    return button;
  }));
  $("filters").addEventListener("click", ({ target }) => {
    const verdict = target.closest("button")?.dataset.verdict;
    if (!verdict) return;
    if (!filter.delete(verdict)) filter.add(verdict);
    redraw();
  });
  $("search").addEventListener("input", () => { needle = folded($("search").value); redraw(); });
  $("areas").addEventListener("click", ({ target }) => {
    const tile = target.closest(".tile");
    if (tile) location.hash = `site=${encodeURIComponent(tile.dataset.site)}`;
  });
  $("areas").addEventListener("keydown", walk);
  $("areas").addEventListener("focusin", ({ target }) => { if (target !== stop && target.matches(".tile")) stopAt(target); });
  $("meetings").addEventListener("change", () => { chosen = $("meetings").value; drawHead(); drawCall(); });
  $("back").addEventListener("click", () => { location.hash = ""; });
  $("print").addEventListener("click", () => window.print());
  $("wall").addEventListener("click", () => setWall(!document.body.classList.contains("onwall")));
  document.addEventListener("fullscreenchange", () => { if (!document.fullscreenElement && !asked.has("wall")) setWall(false); });
  document.addEventListener("keydown", ({ key, target }) => {
    // Who is writing does not lose it.
    if (key !== "Escape" || target.closest?.(".act")) return;
    if (!$("gate").hidden && me?.role) closeGate();
    else if (location.hash.length > 1) location.hash = "";
    else if (document.body.classList.contains("onwall")) setWall(false);
  });
  $("key").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem("token", $("token").value.trim());
    $("token").value = "";
    enter();
  });
  $("signIn").addEventListener("submit", signIn);
  $("notNow").addEventListener("click", closeGate);
  $("who").addEventListener("click", signOutOrIn);
  $("acknowledge").addEventListener("submit", acknowledge);
  $("unacknowledge").addEventListener("click", async () => {
    await actIn($("acknowledge"), "DELETE", `/api/v1/acknowledgements/${openGiven()?.id}`);
    look();
  });
  $("excuse").addEventListener("submit", excuse);
  $("plan").addEventListener("submit", plan);
  $("plan").addEventListener("reset", () => { planned = null; $("planTitle").textContent = words.newMeeting; });
  window.addEventListener("hashchange", route);
  if (asked.has("wall")) setWall(true);
  setInterval(tick, 1000);
  setInterval(turnPage, PAGE);
  setInterval(look, LOOK);
  setInterval(() => { if (!$("queue").hidden) drawQueue(); }, LOOK);
  setInterval(drawQueue, COUNT);
  enter();
}

begin();
