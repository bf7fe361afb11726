'use strict';
(() => {
const $ = (id) => document.getElementById(id);
const canvas = $('screen'), stage = $('stage'), typing = $('typing');
const picture = canvas.getContext('2d', { alpha: false, desynchronized: true });

const zh = /^zh/i.test(navigator.language || '');
if (zh) document.documentElement.lang = 'zh';
const words = zh ? {
  connecting: '正在连接…', lost: (s) => `连接已断开，${s} 秒后重试。`, again: '立即重试', token: '请输入访问令牌。', wrong: '令牌不正确，请重新输入。',
  open: '打开', refused: (why) => `不允许访问：${why}`, looking: '仅查看', keyboard: '键盘', full: '观看人数已满，稍后重试。',
} : {
  connecting: 'Connecting…', lost: (s) => `The connection is lost. Next try in ${s} s.`, again: 'Try now', token: 'This screen needs an access token.',
  wrong: 'That token is not right. Please enter it again.', open: 'Open', refused: (why) => `No access: ${why}`, looking: 'View only', keyboard: 'Keyboard',
  full: 'The screen has no room for another viewer just now.',
};
$('again').textContent = words.again;
$('open').textContent = words.open;
$('token').setAttribute('aria-label', words.token);
$('keyboard').setAttribute('aria-label', words.keyboard);
if (window.parent !== window) document.documentElement.classList.add('framed');

/* ---- what the page tells ---- */

function tell(text, { still = false, again = false, ask = false } = {}) {
  document.body.classList.add('lost');
  document.body.classList.toggle('still', still);
  $('text').textContent = text;
  $('again').hidden = !again;
  $('ask').hidden = !ask;
  if (ask) $('token').focus();
}

function shown() {
  document.body.classList.remove('lost');
  if (document.activeElement === document.body) canvas.focus({ preventScroll: true });
}

/* ---- the connection ---- */

const base = location.href.replace(/[?#].*$/, '').replace(/[^/]*$/, '');
const waitLeast = 500, waitMost = 10000, silenceMost = 40000;
let token = '', socket = null, wait = waitLeast, timer = 0, heardAt = 0, viewOnly = false;

function stored(value) { // a private window may refuse to store
  try {
    if (value !== undefined) sessionStorage.setItem('cloudpos.token', value);
    return sessionStorage.getItem('cloudpos.token') || '';
  } catch { return value || ''; }
}

// The part after # never leaves the browser; it is taken out of the address, so
// that no picture of the window shows it.
const given = new URLSearchParams(location.hash.slice(1)).get('token');
if (given) history.replaceState(null, '', location.pathname + location.search);
token = given ? stored(given) || given : stored();

const coded = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

async function connect() {
  clearTimeout(timer);
  if (socket) return;
  let answer;
  try {
    answer = await fetch(base + 'hello', { headers: token ? { Authorization: 'Bearer ' + token } : {}, cache: 'no-store', signal: AbortSignal.timeout(10000) });
  } catch { return later(); }
  if (answer.status === 401) return tell(token ? words.wrong : words.token, { still: true, ask: true });
  if (answer.status === 403) return tell(words.refused(await answer.text()), { still: true, again: true });
  if (!answer.ok) return later();
  let hello;
  try { hello = await answer.json(); } catch { return later(); }
  viewOnly = hello.viewOnly;
  resize(hello.width, hello.height);
  $('badge').hidden = !viewOnly;
  $('badge').textContent = words.looking;
  open();
}

function open() {
  if (socket) return;
  const mine = new WebSocket(base.replace(/^http/, 'ws') + 'ws', token ? ['cloudpos.screen.v1', 'token.' + coded(token)] : ['cloudpos.screen.v1']);
  mine.binaryType = 'arraybuffer';
  socket = mine;
  heardAt = Date.now();
  pending = [];
  let queue = Promise.resolve();
  mine.onmessage = (e) => {
    heardAt = Date.now();
    queue = queue.then(() => receive(mine, e.data)).catch(() => mine.close());
  };
  mine.onclose = () => {
    if (socket !== mine) return;
    socket = null;
    fingers.clear();
    held.clear();
    later();
  };
}

function later() {
  const until = Date.now() + wait * (0.75 + Math.random() / 2);
  wait = Math.min(wait * 2, waitMost);
  const tick = () => {
    const left = until - Date.now();
    if (left <= 0) { tell(words.connecting, { again: true }); return connect(); }
    if (left > 900) tell(words.lost(Math.ceil(left / 1000)), { again: true });
    timer = setTimeout(tick, Math.min(left, 1000));
  };
  clearTimeout(timer);
  document.body.classList.add('lost');
  tick();
}

function now() {
  if (socket) return;
  wait = waitLeast;
  tell(words.connecting);
  connect();
}
addEventListener('online', now);
document.addEventListener('visibilitychange', () => { if (!document.hidden && $('ask').hidden) now(); });
$('again').onclick = now;
$('ask').onsubmit = (e) => { e.preventDefault(); token = $('token').value; $('token').value = ''; stored(token); now(); };
// A dead network closes nothing by itself.
setInterval(() => { if (socket && Date.now() - heardAt > silenceMost) socket.close(); }, 5000);

function send(message) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

/* ---- the picture ---- */

let pending = [], lastSeq = 0;

// receive shows one message: tiles as PNG, or a sign of life.
async function receive(from, data) {
  const view = new DataView(data);
  if (view.getUint8(0) !== 1) return from === socket && send({ t: 'ack', seq: lastSeq });
  const more = view.getUint8(1) & 1, count = view.getUint16(2), seq = view.getUint32(4);
  resize(view.getUint16(8), view.getUint16(10));
  const tiles = [];
  for (let i = 0, at = 12; i < count; i++) {
    const x = view.getUint16(at), y = view.getUint16(at + 2), size = view.getUint32(at + 8);
    at += 12;
    const png = new Blob([new Uint8Array(data, at, size)], { type: 'image/png' });
    tiles.push(createImageBitmap(png, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' }).then((bitmap) => ({ x, y, bitmap })));
    at += size;
  }
  pending.push(...await Promise.all(tiles));
  if (from !== socket) return;
  // A change in several messages appears at once, unless it is long in coming.
  if (!more || pending.length > 120 || seq === 1) {
    for (const t of pending) { picture.drawImage(t.bitmap, t.x, t.y); t.bitmap.close(); }
    pending = [];
    wait = waitLeast;
    shown();
  }
  lastSeq = seq;
  send({ t: 'ack', seq });
}

function resize(width, height) {
  canvas.hidden = false;
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  // Whoever frames the screen may take its shape, which is no secret.
  if (window.parent !== window) window.parent.postMessage({ cloudpos: 'size', width, height }, '*');
  fit();
}

// fit scales the picture to the window and keeps its shape.
function fit() {
  const scale = Math.min(stage.clientWidth / canvas.width, stage.clientHeight / canvas.height);
  canvas.style.width = canvas.width * scale + 'px';
  canvas.style.height = canvas.height * scale + 'px';
  // The phone's keyboard has a button where it covers nothing of the picture;
  // elsewhere the screen's own keyboard must do.
  const across = (stage.clientWidth - canvas.width * scale) / 2, down = (stage.clientHeight - canvas.height * scale) / 2;
  $('keyboard').hidden = viewOnly || Math.max(across, down) < 62 || !matchMedia('(pointer: coarse)').matches;
}
new ResizeObserver(fit).observe(stage);

/* ---- fingers and the mouse ---- */

const fingers = new Map(); // pointer id → finger
const moved = new Map();   // finger → its newest place, sent once a frame

function place(e) {
  const box = canvas.getBoundingClientRect();
  return { x: (e.clientX - box.left) * canvas.width / box.width, y: (e.clientY - box.top) * canvas.height / box.height };
}
const touch = (id, k, at) => send({ t: 'touch', id, k, x: Math.round(at.x * 10) / 10, y: Math.round(at.y * 10) / 10 });

function sendMoves() {
  for (const [id, at] of moved) touch(id, 'move', at);
  moved.clear();
}

canvas.addEventListener('pointerdown', (e) => {
  if (viewOnly || e.button !== 0) return;
  e.preventDefault();
  if (document.activeElement !== typing) canvas.focus({ preventScroll: true });
  const used = new Set(fingers.values());
  let id = 0;
  while (used.has(id)) id++;
  if (id > 9) return;
  try { canvas.setPointerCapture(e.pointerId); } catch { /* a pointer that has gone already */ }
  fingers.set(e.pointerId, id);
  touch(id, 'down', place(e));
});
canvas.addEventListener('pointermove', (e) => {
  const id = fingers.get(e.pointerId);
  if (id === undefined) return;
  if (!moved.size) requestAnimationFrame(sendMoves);
  moved.set(id, place(e));
});
for (const [type, kind] of [['pointerup', 'up'], ['pointercancel', 'cancel'], ['lostpointercapture', 'cancel']]) {
  canvas.addEventListener(type, (e) => {
    const id = fingers.get(e.pointerId);
    if (id === undefined) return;
    sendMoves();
    fingers.delete(e.pointerId);
    touch(id, kind, place(e));
  });
}
canvas.addEventListener('wheel', (e) => {
  if (viewOnly || e.ctrlKey) return;
  e.preventDefault();
  const unit = [1, 24, canvas.height][e.deltaMode] * canvas.width / canvas.clientWidth;
  send({ t: 'scroll', ...place(e), dx: -e.deltaX * unit, dy: -e.deltaY * unit });
}, { passive: false });
for (const type of ['contextmenu', 'selectstart', 'dragstart']) stage.addEventListener(type, (e) => e.preventDefault());
for (const type of ['gesturestart', 'dblclick']) document.addEventListener(type, (e) => e.preventDefault());

/* ---- keys, by the names that the screen gives them ---- */

const names = {
  Escape: 'Escape', Enter: 'Return', Tab: 'Tab', Backspace: 'BackSpace', Insert: 'Insert', Delete: 'Delete', ArrowRight: 'Right', ArrowLeft: 'Left',
  ArrowDown: 'Down', ArrowUp: 'Up', PageUp: 'Prior', PageDown: 'Next', Home: 'Home', End: 'End', ' ': 'Space',
};
const held = new Set();

function nameOf(e) {
  if (e.code === 'NumpadEnter') return 'KP_Enter';
  if (names[e.key]) return names[e.key];
  if (/^F([1-9]|1[0-2])$/.test(e.key)) return e.key;
  return [...e.key].length === 1 ? e.key.toUpperCase() : '';
}
const typed = (e) => ([...e.key].length === 1 && !e.ctrlKey && !e.metaKey ? e.key : '');
const inForm = (e) => e.target instanceof Element && e.target.closest('#ask, button');

addEventListener('keydown', (e) => {
  if (viewOnly || inForm(e) || e.isComposing || e.keyCode === 229) return;
  if (e.target === typing && (typed(e) || e.key === 'Backspace')) return; // comes as input
  const name = nameOf(e);
  if (!name || (e.ctrlKey || e.metaKey) || /^F\d/.test(name)) return; // the browser's own
  e.preventDefault();
  held.add(name);
  send({ t: 'key', name, rune: typed(e), down: true });
});
addEventListener('keyup', (e) => {
  const name = nameOf(e);
  if (held.delete(name)) send({ t: 'key', name, down: false });
});
addEventListener('blur', () => {
  for (const name of held) send({ t: 'key', name, down: false });
  held.clear();
});

// A phone's keyboard types into a field that nobody sees. One blank stays in
// it, for a keyboard tells nothing when there is nothing to take back.
$('keyboard').onclick = () => { document.activeElement === typing ? typing.blur() : typing.focus(); };
$('keyboard').onpointerdown = (e) => e.preventDefault();
const stroke = (name, rune) => { for (const down of [true, false]) send({ t: 'key', name, rune: down ? rune : '', down }); };
function takeTyped() {
  const text = typing.value;
  typing.value = ' ';
  if (!text) return stroke('BackSpace', '');
  for (const c of text.slice(1)) c === '\n' ? stroke('Return', '') : stroke(names[c] || c.toUpperCase(), c);
}
typing.value = ' ';
typing.addEventListener('input', (e) => { if (!e.isComposing) takeTyped(); });
typing.addEventListener('compositionend', takeTyped);

tell(words.connecting);
connect();
})();
