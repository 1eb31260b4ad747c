// Connects the stream with the parts of the page: map, counters, room lists and journal.
import { ReceivedEvents } from './received-events.js';
import { Journal } from './journal.js';
import { RoomLists } from './room-lists.js';
import { Latency } from './latency.js';
import { NodeMap } from './node-map.js';
import { Stream } from './stream.js';

const EVENTS = ['sse:ready', 'sse:gap', 'welcome', 'numbered', 'nodes'];

const $ = (id) => document.getElementById(id);

const stream = new Stream(new URLSearchParams(), EVENTS);
const events = new ReceivedEvents(stream, showCounters, showReturn);
const { counter } = events;
const journal = new Journal($('journal'));
const roomLists = new RoomLists($('lanes'), ['orders', 'prices', 'alerts', 'chat']);
const latency = new Latency();
const map = new NodeMap($('map'), $('nodes'), (command) => stream.post(`supervisor/nodes/${command}`).catch(report));

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
  for (const name of ['received', 'resumed', 'missed', 'duplicated', 'disordered']) {
    $(name).textContent = counter[name].toLocaleString();
  }
  $('promise').classList.toggle('broken', counter.missed + counter.duplicated + counter.disordered > 0);
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
  if (state === 'open') return; // The welcome reports the node.
  if (node !== undefined && map.on !== '') {
    journal.write(`The connection to node ${node} is gone`, 'away');
    roomLists.addAbsence();
  }
  map.on = '';
  events.away();
  show(state, 'Reconnecting');
});

on('welcome', (welcome) => {
  if (node !== undefined && node !== welcome.node) $('moves').textContent = `${++moves}`;
  journal.write(node === undefined ? `Connected to node ${welcome.node}` : `Connected again, to node ${welcome.node}`);
  node = map.on = welcome.node;
  welcomedAt = welcome.at;
  show('open', `On node ${node}`);
  events.welcome(welcome.at);
});

on('sse:gap', (gap) => events.gap(gap));

events.on('numbered', (event, resumed) => {
  roomLists.add(event, resumed);
  // A first connection can begin slightly in the past: a node without streams may lag behind Redis.
  if (event.at >= welcomedAt) latency.add(performance.timeOrigin + performance.now() - event.at);
});

events.inTurn('nodes', ({ nodes, accepted }) => {
  for (const { name, state } of map.show(nodes)) {
    if (state === 'down') journal.write(`Node ${name} is dead`, 'bad');
    if (state === 'up') journal.write(`Node ${name} is up again`);
  }
  for (const count of accepted) counter.expect(count);
  showCounters();
});

$('cut').addEventListener('click', () => {
  $('cut').disabled = true;
  stream.post('connection/cut').catch(report);
});

stream.open();
