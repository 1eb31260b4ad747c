// Joins the parts of the page: one stream in; the map, the count, the lanes and the journal out.
import { Arrivals } from './arrivals.js';
import { Journal } from './journal.js';
import { Lanes } from './lanes.js';
import { Latency } from './latency.js';
import { NodeMap } from './node-map.js';
import { Stream } from './stream.js';

const EVENTS = ['sse:ready', 'sse:gap', 'welcome', 'numbered', 'fleet'];

const $ = (id) => document.getElementById(id);

const stream = new Stream(new URLSearchParams(), EVENTS);
const arrivals = new Arrivals(stream, showCounters, showReturn);
const { ledger } = arrivals;
const journal = new Journal($('journal'));
const lanes = new Lanes($('lanes'), ['orders', 'prices', 'alerts', 'chat']);
const latency = new Latency();
const map = new NodeMap($('map'), $('nodes'), (order) => stream.post(`supervisor/nodes/${order}`).catch(report));

/** The node that the last welcome came from, and when. */
let node;
let welcomedAt;
let moves = 0;

function on(name, listener) {
  stream.addEventListener(name, ({ detail }) => listener(detail));
}

function report(error) {
  journal.write(error.message, 'bad');
}

function showCounters() {
  for (const counter of ['received', 'resumed', 'missed', 'duplicated', 'disordered']) {
    $(counter).textContent = ledger[counter].toLocaleString();
  }
  $('promise').classList.toggle('broken', ledger.missed + ledger.duplicated + ledger.disordered > 0);
  $('median').textContent = latency.text(0.5);
  $('slowest').textContent = latency.text(0.99);
}

function showReturn({ seconds, resumed, missed, gap }) {
  const known = `${resumed} events resumed, ${missed || 'none'} missed`;
  journal.write(`Back after ${seconds} s: ${gap ?? known}`, gap || missed ? 'bad' : 'good');
}

function show(state, text) {
  $('pill').dataset.state = state;
  $('state').textContent = text;
  $('cut').disabled = state !== 'open';
}

on('state', (state) => {
  if (state === 'open') return; // Only the welcome says that a node is there.
  if (node !== undefined && map.on !== '') {
    journal.write(`The connection to node ${node} is gone`, 'away');
    lanes.markAbsence();
  }
  map.on = '';
  arrivals.away();
  show(state, 'Reconnecting');
});

on('welcome', (welcome) => {
  if (node !== undefined && node !== welcome.node) $('moves').textContent = `${++moves}`;
  journal.write(node === undefined ? `Connected to node ${welcome.node}` : `Connected again, to node ${welcome.node}`);
  node = map.on = welcome.node;
  welcomedAt = welcome.at;
  show('open', `On node ${node}`);
  arrivals.welcome(welcome.at);
});

on('sse:gap', (gap) => arrivals.gap(gap));

arrivals.on('numbered', (event, resumed) => {
  lanes.add(event, resumed);
  // A node without streams may know less than Redis, so a first connection can begin a little in the past.
  if (event.at >= welcomedAt) latency.add(performance.timeOrigin + performance.now() - event.at);
});

arrivals.inTurn('fleet', ({ nodes, accepted }) => {
  for (const { name, state } of map.show(nodes)) {
    if (state === 'down') journal.write(`Node ${name} is dead`, 'bad');
    if (state === 'up') journal.write(`Node ${name} is up again`);
  }
  for (const count of accepted) ledger.expect(count);
  showCounters();
});

$('cut').addEventListener('click', () => {
  $('cut').disabled = true;
  stream.post('connection/cut').catch(report);
});

stream.open();
