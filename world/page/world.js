'use strict';
(() => {
const $ = (id) => document.getElementById(id);
const make = (tag, props = {}, ...inside) => {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...inside);
  return e;
};

/* ---- acting ---- */

let toastTimer = 0;
function toast(text) {
  $('toast').textContent = text;
  $('toast').classList.add('up');
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => $('toast').classList.remove('up'), 4000);
}

// Keys must arrive in the order in which they were pressed.
let queue = Promise.resolve();
function act(name, body = {}) {
  queue = queue.then(async () => {
    try {
      const answer = await fetch('do/' + name, { method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(15000) });
      if (!answer.ok) toast((await answer.json()).error);
    } catch { toast('The simulated shop does not answer.'); }
  });
  return queue;
}

function click(id, name, body = () => ({})) { $(id).onclick = () => act(name, body()); }
function toggle(id, name) { $(id).onchange = () => act(name, { on: $(id).checked }); }
const number = (id) => Math.max(1, Math.trunc($(id).valueAsNumber || 1));

click('pull', 'pull');
click('lift', 'lift');
click('tap', 'tap', () => ({ card: lastCard }));
click('swipe', 'swipe', () => ({ card: now.card || lastCard }));
click('pull-at', 'pull-at', () => ({ n: number('pull-n') }));
click('paper-ends', 'paper-out', () => ({ n: number('paper-n') }));
toggle('paper-low', 'paper-low');
toggle('cover', 'cover');
toggle('jam', 'jam');
toggle('cable', 'cable');
toggle('case', 'case');
$('habit').onchange = () => act('by-hand', { on: !$('habit').checked });
$('paper-out').onclick = () => act(now && now.paperOut ? 'paper-in' : 'paper-out');
$('auto').onchange = () => act('customer', { on: $('auto').checked, card: lastCard || (now && now.cards[0] && now.cards[0].name) || '' });

/* ---- the terminal's screen ---- */

const screenURL = document.body.dataset.screen;
if (screenURL) {
  $('terminal').hidden = false;
  $('frame').src = screenURL;
}
addEventListener('message', (e) => { // the screen tells its shape
  const d = e.data;
  if (e.source !== $('frame').contentWindow || !d || d.cloudpos !== 'size' || !(d.width > 0) || !(d.height > 0)) return;
  $('bezel').style.setProperty('--shape', d.width / d.height);
});

/* ---- what is seen ---- */

let now = null, lastCard = '', kicksSeen = null;

function showState(s) {
  const first = !now;
  now = s;
  if (s.card) lastCard = s.card;
  showCards(s);
  showPad(s);
  showPrinter(s);
  showCounter(s, first);
  showFaults(s);
}

// Misbehaving cards, those that are made of another one's chip, have a box of
// their own.
function showCards(s) {
  const names = s.cards.map((c) => c.name).join('\n');
  if ($('wallet').dataset.names !== names) {
    $('wallet').dataset.names = names;
    const good = s.cards.filter((c) => !c.of), bad = s.cards.filter((c) => c.of), taps = good.filter((c) => c.tap);
    $('wallet').replaceChildren(...good.filter((c) => !c.tap).map(cardButton));
    $('taps').replaceChildren(...taps.map(cardButton));
    $('tap-box').hidden = !taps.length;
    $('field').hidden = !s.cards.some((c) => c.tap);
    $('bad').replaceChildren(...bad.map(cardButton));
    $('bad-box').hidden = !bad.length;
    $('bad-hint').textContent = bad.length;
  }
  const field = s.field || [];
  const shown = field[0] || s.card || s.visitor || s.customer;
  for (const c of document.querySelectorAll('.card')) c.setAttribute('aria-pressed', c.dataset.card === shown);
  const reader = $('reader');
  const waits = s.visitor ? `A visitor waits with the card “${s.visitor}”.` : s.customer ? `The customer waits with the card “${s.customer}”.` : 'The reader is empty.';
  if (!s.card) reader.replaceChildren(waits);
  else reader.replaceChildren(make('span', {}, make('b', { textContent: s.card }), ' is in the reader'),
    commands(s));
  $('antenna').replaceChildren(...field.length ? [make('span', {}, make('b', { textContent: field.join(', ') }), ' held to the antenna'), commands(s)] : ['Nothing is held to the antenna.']);
  $('lift').disabled = !field.length;
  const last = s.cards.find((c) => c.name === lastCard);
  $('tap').disabled = !last || !last.tap || field.includes(lastCard);
  $('tap').textContent = last && last.tap ? `Tap “${last.name}”` : 'Tap';
  $('pull').disabled = !s.card;
  const held = s.cards.find((c) => c.name === (s.card || lastCard));
  $('swipe').disabled = !held || !held.stripe;
  $('swipe').textContent = held && held.stripe ? `Swipe “${held.name}”` : 'Swipe';
  $('auto').checked = !!s.customer;
}

// How it is with the card in the reader or at the antenna.
function commands(s) {
  return make('span', { className: 'power', textContent: s.powered ? `${s.apdus} commands` : s.apdus ? 'powered off' : 'no power yet' });
}

function cardButton(c, i) {
  const card = make('button', { type: 'button', className: 'card' }, make('b', { textContent: c.name }), make('small', { textContent: c.title }));
  card.dataset.card = c.name;
  card.dataset.chip = c.tap ? 'tap' : c.noChip ? 'no' : 'yes';
  card.style.setProperty('--hue', (200 + i * 47) % 360);
  card.onclick = () => {
    lastCard = c.name;
    showCards(now);
    if (now.customer) act('customer', { card: c.name, on: true });
    else act(c.tap ? 'tap' : c.noChip ? 'swipe' : 'insert', { card: c.name });
  };
  return card;
}

const padKeys = ['1', '2', '3', '4', '5', '6', '7', '8', '9', 'CANCEL', '0', 'CLEAR', 'ENTER'];
for (const key of padKeys) {
  const b = make('button', { type: 'button', textContent: key, className: key.length > 1 ? key.toLowerCase() : '' });
  b.dataset.key = key;
  if (key === 'ENTER') b.style.gridColumn = '1 / -1';
  b.onclick = () => act('press', { key });
  $('keys').append(b);
}

function showPad(s) {
  const atReader = s.waiting && s.readerText.length > 0;
  const lines = (atReader ? s.readerText : s.display || []).slice(-4);
  if (s.waiting) lines[Math.min(lines.length, 3)] = s.typed ? '●'.repeat(s.typed) : '_';
  $('display').textContent = lines.join('\n');
  $('display').classList.toggle('waiting', s.waiting);
  $('pad-title').textContent = atReader ? 'Keys of the reader' : 'PIN pad';
  $('pad-hint').textContent = s.waiting ? `The ${atReader ? 'reader' : 'pad'} waits for a PIN.` : s.byHand ? 'You type for the customer.' : '';
  $('habit').checked = !s.byHand;
}

function showPrinter(s) {
  $('paper-out').textContent = s.paperOut ? 'Put a new roll in' : 'Take the paper out';
  $('paper-out').classList.toggle('strong', s.paperOut);
  $('paper-low').checked = s.paperLow;
  $('cover').checked = s.coverOpen;
  $('jam').checked = s.jammed;
  $('mouth').classList.toggle('open', s.coverOpen || s.paperOut || s.jammed);
  const hints = [[s.paperOut, 'No paper'], [s.coverOpen, 'Cover open'], [s.jammed, 'Cutter jammed'], [s.lost, `${s.lost} bytes lost`], [s.unknown, `${s.unknown} unknown commands`]];
  $('paper-hint').textContent = hints.filter(([on]) => on).map(([, text]) => text).join(' · ');
  $('paper-hint').classList.toggle('bad', s.paperOut || s.coverOpen || s.jammed);
}

function showCounter(s, first) {
  $('cable-line').hidden = s.cable === null;
  $('cable').checked = !!s.cable;
  $('cable-line').classList.toggle('pulled', !s.cable);
  const kicks = s.drawerKicks + s.panel.kicks;
  if (first || kicksSeen === null || kicks < kicksSeen) kicksSeen = kicks;
  $('case').checked = s.panel.caseOpen;
  [...$('lights').children].forEach((light, i) => light.classList.toggle('on', s.panel.lights[i]));
  const lit = s.panel.lights.filter((on) => on).length;
  $('lights').ariaLabel = `The reader's lights: ${lit} of 4 lit${s.panel.buzzer ? lit === 4 ? ', tone of success' : ', tone of alert' : ''}`;
  showDrawer(kicks);
  showBuzzer(s.panel.buzzer, lit === 4);
}
function showDrawer(kicks) {
  const open = kicks > kicksSeen;
  $('drawer').textContent = open ? 'Drawer open' : 'Drawer closed';
  $('drawer').parentElement.classList.toggle('drawn', open);
  $('drawer-close').hidden = !open;
  $('drawer-close').onclick = () => { kicksSeen = kicks; showDrawer(kicks); };
}

// The buzzer is heard once the page is asked to sound: browsers want that.
let tone = null, pitch = null;
$('sound').onchange = () => {
  if (tone) tone.context.close();
  tone = null;
  if (!$('sound').checked) return;
  const context = new AudioContext();
  pitch = new OscillatorNode(context, { type: 'square', frequency: 1500 });
  tone = new GainNode(context, { gain: 0 });
  pitch.connect(tone).connect(context.destination);
  pitch.start();
};
// A buzzer has one pitch. Here it has the two that EMV Contactless Book A wants:
// of a success, when all four lights are lit, and of an alert.
function showBuzzer(on, success) {
  $('buzzer').classList.toggle('on', on);
  if (!tone) return;
  if (on) pitch.frequency.value = success ? 1500 : 750;
  tone.gain.value = on ? 0.04 : 0;
}

/* ---- faults ---- */

const devices = [['reader', 'Reader'], ['antenna', 'Antenna'], ['stripe', 'Stripes'], ['pinpad', 'PIN pad'], ['printer', 'Printer']];
const faults = [['none', 'normal'], ['silence', 'silence'], ['garbage', 'garbage'], ['wrong-checksum', 'wrong checksum'], ['half-frame', 'half frame'], ['delay', 'delay']];

for (const [device, title] of devices) {
  const cable = make('input', { type: 'checkbox', ariaLabel: title + ' plugged in' });
  cable.onchange = () => act(cable.checked ? 'replug' : 'unplug', { device });
  const kind = make('select', { ariaLabel: title + ' answers' }, ...faults.map(([value, text]) => make('option', { value, textContent: text })));
  const count = make('select', { ariaLabel: title + ': how many answers' }, ...[[0, 'all'], [1, 'next'], [3, 'next 3'], [10, 'next 10']].map(([value, text]) => make('option', { value, textContent: text })));
  const spoil = () => act('fault', { device, fault: kind.value, n: kind.value === 'none' ? 0 : +count.value, millis: 2000 });
  kind.onchange = spoil;
  count.onchange = () => { if (kind.value !== 'none') spoil(); };
  const row = make('tr', {}, make('td', { textContent: title }), make('td', {}, make('label', { className: 'switch' }, cable, make('span'))), make('td', {}, kind), make('td', {}, count));
  row.dataset.device = device;
  Object.assign(row, { cable, kind });
  $('faults').tBodies[0].append(row);
}
$('mend').onclick = () => {
  for (const [device] of devices) {
    act('fault', { device, fault: 'none' });
    if (now && (now.unplugged || []).includes(device)) act('replug', { device });
  }
  act('paper-in');
  for (const name of ['cover', 'jam', 'paper-low']) act(name, { on: false });
  if (now && now.cable === false) act('cable', { on: true });
  act('case', { on: false });
};

function showFaults(s) {
  for (const row of $('faults').tBodies[0].rows) {
    row.cable.checked = !(s.unplugged || []).includes(row.dataset.device);
    if (document.activeElement !== row.kind) row.kind.value = s.faults[row.dataset.device] || 'none';
  }
}

/* ---- paper ---- */

const wideChar = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;
const columns = (text) => [...text].reduce((n, c) => n + (wideChar.test(c) ? 2 : 1), 0);

// A stretch of characters of one width each gets a box of so many columns, so
// that what stands beside it stays in its column whatever the font.
function drawSpan(span) {
  const wide = span.wide || 1, tall = span.tall || 1, parts = [];
  for (const text of span.text.match(/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[^\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]+/g) || []) {
    const inner = make(span.bold ? 'b' : 'i', { textContent: text });
    const box = make('span', {}, inner);
    box.style.width = `calc(var(--col) * ${columns(text) * wide})`;
    if (wideChar.test(text)) box.style.textAlign = 'center';
    if (tall > 1 || wide > 1) {
      inner.style.display = 'inline-block';
      inner.style.fontSize = tall + 'em';
      inner.style.lineHeight = 1.15;
      if (wide !== tall) { inner.style.transform = `scaleX(${wide / tall})`; inner.style.transformOrigin = 'left bottom'; }
    }
    parts.push(box);
  }
  return parts;
}

function drawImage(image) {
  if (!image.data) return make('div', { className: 'qr', textContent: `picture, ${image.width} × ${image.height} dots` });
  const canvas = make('canvas', { width: image.width, height: image.height });
  canvas.style.width = image.width / 576 * 100 + '%';
  const bits = Uint8Array.from(atob(image.data), (c) => c.charCodeAt(0));
  const pen = canvas.getContext('2d'), picture = pen.createImageData(image.width, image.height);
  for (let i = 0; i < image.width * image.height; i++) {
    if (bits[i >> 3] & 0x80 >> (i & 7)) picture.data.set([23, 24, 26, 255], i * 4);
  }
  pen.putImageData(picture, 0, 0);
  return canvas;
}

function drawRow(row) {
  const line = make('div', { className: 'row' });
  if (row.image) line.append(drawImage(row.image));
  else if (row.qr) line.append(make('div', { className: 'qr' }, make('strong', { textContent: 'QR' }), ' ' + row.qr));
  else line.append(...(row.spans || []).flatMap(drawSpan));
  return line;
}

function showPaper(slips) {
  const paper = $('paper');
  if (!slips.length) return paper.replaceChildren(make('p', { className: 'note', textContent: 'Nothing has been printed yet.' }));
  paper.replaceChildren(...slips.reverse().map((slip) => {
    const piece = make('div', { className: 'slip' + (slip.cut ? '' : ' uncut') + (slip.complete ? '' : ' broken') }, ...slip.rows.map(drawRow));
    if (slip.cut && !slip.complete) piece.append(make('em', { className: 'ending', textContent: 'the rest of a broken slip' }));
    if (!slip.cut) piece.append(make('em', { className: 'ending', textContent: 'not cut' }));
    return piece;
  }));
}

/* ---- the cloud's books and the cards' log ---- */

const time = (at) => { const d = new Date(at); return at && !isNaN(d) ? d.toLocaleTimeString([], { hour12: false }) : ''; };
function amount(row) {
  if (typeof row.amount_minor !== 'number') return '';
  const e = row.exponent ?? 2, digits = String(Math.abs(row.amount_minor)).padStart(e + 1, '0');
  return (row.amount_minor < 0 ? '−' : '') + digits.slice(0, digits.length - e) + (e ? '.' + digits.slice(-e) : '') + ' ' + (row.currency || '');
}
const cell = (text, className = '') => make('td', { textContent: text ?? '', className });

let booksSeen = null;
function showLedger(rows) {
  $('ledger-box').hidden = false;
  const bad = !Array.isArray(rows);
  $('ledger-hint').classList.toggle('bad', bad);
  $('ledger-hint').textContent = bad ? rows.error : rows.length ? '' : 'No sale yet.';
  if (bad) return;
  const seen = new Map();
  $('ledger').tBodies[0].replaceChildren(...rows.map((row) => {
    const id = [row.terminal, row.epoch, row.seq].join('/'), state = row.state || row.reason || '';
    seen.set(id, state);
    const tr = make('tr', {}, cell(time(row.at || row.first)), cell(row.receipt ? '№ ' + row.receipt : id), cell(amount(row), 'right'), cell(row.masked, 'mono'),
      make('td', {}, make('span', { className: 'state ' + state, textContent: state })), cell([row.code, row.auth_code, row.alarm].filter(Boolean).join(' · '), 'mono'));
    tr.title = id;
    if (booksSeen && booksSeen.get(id) !== state) tr.className = 'fresh';
    return tr;
  }));
  booksSeen = seen;
}

function showLog(log) {
  log = log || [];
  $('log-hint').textContent = log.length ? `${log.length} commands, the newest first, without their data` : 'nothing yet';
  $('log').tBodies[0].replaceChildren(...log.reverse().map((e) => make('tr', {}, cell(e.card), cell(e.command, 'mono'), cell(e.sent, 'right'), cell(e.got, 'right'), cell(e.status, 'mono'))));
}

/* ---- hearing ---- */

function link(text, className) {
  $('link').textContent = text;
  $('link').className = 'pill ' + className;
  document.body.classList.toggle('away', className === 'gone');
}
let source = null, again = 0;
function listen() {
  source = new EventSource('events');
  const on = (name, show) => source.addEventListener(name, (e) => show(JSON.parse(e.data)));
  on('state', (s) => { link('live', 'live'); showState(s); });
  on('paper', showPaper);
  on('ledger', showLedger);
  on('log', showLog);
  on('gone', (p) => link('the shop does not answer: ' + p.error, 'gone'));
  source.onerror = () => {
    link('connection lost, trying again…', 'gone');
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries by itself
    clearTimeout(again);
    again = setTimeout(listen, 2000);
  };
}
listen();
})();
