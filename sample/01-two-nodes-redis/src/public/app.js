// Connects the stream with the parts of the page: map, counters, room lists and journal.
import { connectSse } from '../client/index.js';
import { ReceivedEvents } from './received-events.js';
import { Journal } from './journal.js';
import { RoomLists } from './room-lists.js';
import { Matches } from './matches.js';
import { Latency } from './latency.js';
import { NodeMap } from './node-map.js';
import { post } from './post.js';
import { visitor } from './visitor.js';

const MATCHES = ['match/1', 'match/2', 'match/3'];

const $ = (id) => document.getElementById(id);

const query = new URLSearchParams({ visitor });
const live = connectSse(`events?${query}`, { rooms: changeRooms });
const events = new ReceivedEvents(live, showCounters, showReturn);
const { counter } = events;
const journal = new Journal($('journal'));
const roomLists = new RoomLists();
roomLists.addRooms($('lanes'), ['orders', 'prices', 'alerts', 'chat']);
const matches = new Matches(roomLists.addRooms($('matches'), MATCHES), visitor, join);
const latency = new Latency();
const map = new NodeMap($('map'), $('nodes'), (command) => post(`supervisor/nodes/${command}`).catch(report));

/** Id of the client, from `sse:ready`. */
let client;
/** The node that the last welcome came from, and when. */
let node;
let welcomedAt;
let moves = 0;

function report(error) {
  journal.write(error.message, 'bad');
}

/** Sends the matches that the client joins and leaves, to whatever node nginx selects. A failure is tried again. */
async function changeRooms(changes, signal) {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`rooms?${query}`, { method: 'POST', headers, body: JSON.stringify(changes), signal });
  if (!answer.ok) throw new Error(answer.statusText);
  const { joined, left, refused } = await answer.json();
  const through = answer.headers.get('x-node');
  for (const room of joined) journal.write(`Joined ${room}, through node ${through}`);
  for (const room of left) journal.write(`Left ${room}, through node ${through}`);
  matches.list().catch(report);
  return { refused };
}

/** Joins a match, whose numbers count from then on. */
function join(room) {
  const match = live.room(room);
  match.joined.then(() => counter.forgetMatching(room)).catch((error) => error.code === 'left' || report(error));
  return match;
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
  $('cut').disabled = state !== 'live';
}

live.onState((state) => {
  if (state === 'live' || state === 'stale') return; // The welcome reports the node.
  if (node !== undefined && map.on !== '') {
    journal.write(`The connection to node ${node} is gone`, 'away');
    roomLists.addAbsence();
  }
  map.on = '';
  events.away();
  show(state, node === undefined ? 'Connecting' : 'Reconnecting');
});

live.on('welcome', (welcome) => {
  if (node !== undefined && node !== welcome.node) $('moves').textContent = `${++moves}`;
  journal.write(node === undefined ? `Connected to node ${welcome.node}` : `Connected again, to node ${welcome.node}`);
  node = map.on = welcome.node;
  welcomedAt = welcome.at;
  show('live', `On node ${node}`);
  events.welcome(welcome.at);
});

live.onGap((gap) => events.gap(gap));
live.on('sse:join', (member) => matches.entered(member));
live.on('sse:leave', (member) => matches.left(member));

live.on('sse:ready', ({ clientId, restored = [] }) => {
  client = clientId;
  if (restored.length > 0) journal.write(`Still in ${MATCHES.filter((room) => restored.includes(room)).join(', ')}`, 'good');
  matches.list().catch(report);
});

events.on('numbered', (event, resumed) => {
  if (MATCHES.includes(event.topic) && !matches.joined.has(event.topic)) return;
  roomLists.add(event, resumed);
  // A first connection can begin slightly in the past: a node without streams may lag behind Redis.
  if (event.at >= welcomedAt) latency.add(performance.timeOrigin + performance.now() - event.at);
});

events.inTurn('nodes', ({ nodes, accepted }) => {
  for (const { name, state } of map.show(nodes)) {
    if (state === 'down') journal.write(`Node ${name} is dead`, 'bad');
    if (state === 'up') journal.write(`Node ${name} is up again`);
  }
  // Of a match the page knows the numbers from its first event on.
  for (const count of accepted) {
    if (!count.room.startsWith('match/') || counter.knows(count.room)) counter.expect(count);
  }
  showCounters();
});

$('cut').addEventListener('click', () => {
  $('cut').disabled = true;
  post('connection/cut', { clientId: client }).catch((error) => {
    $('cut').disabled = map.on === '';
    report(error);
  });
});

$('visitor').textContent = visitor;
