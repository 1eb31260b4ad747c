// Joins the parts of the page: one stream in; charts, chat, counters and frames out.
import { Charts } from './charts.js';
import { Chat } from './chat.js';
import { Frames } from './frames.js';
import { Ledger } from './ledger.js';
import { Stream } from './stream.js';
import { tab } from './tab.js';

const EVENTS = ['sse:ready', 'sse:gap', 'welcome', 'stats', 'chat', 'notice', 'typing'];
const STATES = {
  connecting: ['Connecting', 'to this server'],
  open: ['Open', 'events arrive as they happen'],
  reconnecting: ['Reconnecting', 'the browser comes back by itself'],
};

const $ = (id) => document.getElementById(id);

const params = new URLSearchParams({ tab: tab.key });
if (tab.nickname) params.set('nickname', tab.nickname);

const stream = new Stream(params, EVENTS);
const ledger = new Ledger();
const frames = new Frames();
const charts = new Charts($('charts'));
const chat = new Chat(stream, (room) => ledger.forget(room));

/** The last welcome, and what came before it on the same connection: it tells what of that is resumed. */
let me;
let welcomed = false;
let held = [];
/** From a cut until the first event that is new again. */
let absence;

function on(name, listener) {
  stream.addEventListener(name, ({ detail }) => listener(detail));
}

/** Events of rooms, each counted; one that came before is counted and not shown again. */
function onNumbered(name, show) {
  on(name, (event) => {
    const take = () => {
      const verdict = ledger.count(event);
      if (verdict !== 'again') show(event, verdict === 'resumed');
      if (verdict === 'new' && absence) endAbsence();
      for (const counter of ['received', 'resumed', 'missed', 'duplicated']) {
        $(counter).textContent = ledger[counter].toLocaleString();
      }
    };
    if (welcomed) take();
    else held.push(take);
  });
}

function report(error) {
  $('note').textContent = error.message;
}

function endAbsence() {
  const seconds = ((performance.now() - absence.since) / 1000).toFixed(1);
  const resumed = ledger.resumed - absence.resumed;
  const missed = ledger.missed - absence.missed;
  const known = `${resumed} events resumed, ${missed || 'none'} missed`;
  $('note').textContent = `back after ${seconds} s: ${absence.gap ?? known}`;
  absence = undefined;
}

on('state', (state) => {
  [$('state').textContent, $('note').textContent] = STATES[state];
  $('pill').dataset.state = state;
  if (state === 'open') return;
  $('cut').disabled = true;
  chat.enabled = false;
  welcomed = false;
  if (!me) return;
  absence ??= { since: performance.now(), resumed: ledger.resumed, missed: ledger.missed };
  charts.cut();
});

on('welcome', (welcome) => {
  charts.clock(welcome.at);
  charts.back();
  if (me && me.startedAt !== welcome.startedAt) ledger.forgetAll();
  else if (me && me.memberId !== welcome.memberId) chat.names.forEach((room) => ledger.forget(room));
  if (!me) drawThePast().catch(report);
  ledger.reconnected(welcome.at);
  me = welcome;
  welcomed = true;
  for (const take of held.splice(0)) take();
  chat.enabled = true;
  $('cut').disabled = false;
  chat.welcome(welcome).catch(report);
});

/** The minute before this page was opened, so that the charts do not begin empty. */
async function drawThePast() {
  const response = await fetch('stats/recent');
  const samples = await response.json();
  if (samples.length > 0) charts.add(...samples);
}

/** What the server cannot give back, it says: the page shows it instead of a count that would claim too much. */
on('sse:gap', ({ rooms, reason }) => {
  const names = rooms.filter((room) => room !== '*').join(', ');
  if (absence) absence.gap = `the server announced a gap in ${names} (${reason})`;
});

onNumbered('stats', (sample) => charts.add(sample));
onNumbered('chat', (message, resumed) => chat.message(message, resumed));
onNumbered('notice', (notice, resumed) => chat.notice(notice, resumed));
on('typing', (typing) => chat.typing(typing));
on('frame', (event) => frames.heard(event));

$('cut').addEventListener('click', () => {
  $('cut').disabled = true;
  stream.post('connection/cut').catch(report);
});

stream.open();
