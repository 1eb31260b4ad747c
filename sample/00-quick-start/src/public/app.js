// Connects the stream with the parts of the page: charts, chat, counters and frames.
import { connectSse } from '../client/index.js';
import { ReceivedEvents } from './received-events.js';
import { Charts } from './charts.js';
import { Chat } from './chat.js';
import { Frames } from './frames.js';
import { post } from './post.js';
import { tab } from './tab.js';

const EVENTS = ['sse:ready', 'sse:gap', 'welcome', 'stats', 'chat', 'notice', 'typing', 'sse:join', 'sse:leave'];
const STATES = {
  connecting: ['Connecting', 'to this server'],
  live: ['Live', 'events arrive as they happen'],
  stale: ['Live', 'a heartbeat of the server is late'],
  waiting: ['Reconnecting', 'the client comes back by itself'],
  closed: ['Closed', 'the server has refused this tab'],
};

const $ = (id) => document.getElementById(id);

const params = new URLSearchParams({ tab: tab.key });
if (tab.nickname) params.set('nickname', tab.nickname);

const live = connectSse(`events?${params}`);
const events = new ReceivedEvents(live, showCounters, showReturn);
const { counter } = events;
const frames = new Frames();
const charts = new Charts($('charts'));
const chat = new Chat(send, (room) => counter.forget(room));

/** Data of the last welcome. */
let me;

/** Sends a POST of this tab. The server knows it by the two fields of the welcome. */
function send(path, body) {
  return post(path, { clientId: me?.clientId, token: me?.token, ...body });
}

function report(error) {
  $('note').textContent = error.message;
}

function showCounters() {
  for (const name of ['received', 'resumed', 'missed', 'duplicated']) {
    $(name).textContent = counter[name].toLocaleString();
  }
}

function showReturn({ seconds, resumed, missed, gap }) {
  const known = `${resumed} events resumed, ${missed || 'none'} missed`;
  $('note').textContent = `back after ${seconds} s: ${gap ?? known}`;
}

live.onState((state) => {
  [$('state').textContent, $('note').textContent] = STATES[state];
  $('pill').dataset.state = state;
  if (state === 'live' || state === 'stale') return;
  $('cut').disabled = true;
  chat.enabled = false;
  events.away();
  if (me) charts.cut();
});

live.on('welcome', (welcome) => {
  charts.clock(welcome.at);
  charts.back();
  if (me && me.startedAt !== welcome.startedAt) counter.forgetAll();
  else if (me && me.memberId !== welcome.memberId) chat.names.forEach((room) => counter.forget(room));
  if (!me) drawRecentSamples().catch(report);
  me = welcome;
  events.welcome(welcome.at);
  chat.enabled = true;
  $('cut').disabled = false;
  chat.welcome(welcome).catch(report);
});

/** Draws the minute before this page was opened, so that the charts do not begin empty. */
async function drawRecentSamples() {
  const response = await fetch('stats/recent');
  const samples = await response.json();
  if (samples.length > 0) charts.add(...samples);
}

live.onGap((gap) => events.gap(gap));

events.on('stats', (sample) => charts.add(sample));
events.on('chat', (message, resumed) => chat.message(message, resumed));
events.on('notice', (notice, resumed) => chat.notice(notice, resumed));
live.on('typing', (typing) => chat.typing(typing));
live.on('sse:join', (member) => chat.entered(member));
live.on('sse:leave', (member) => chat.left(member));
for (const name of EVENTS) live.on(name, (_data, event) => frames.show(event));

$('cut').addEventListener('click', () => {
  $('cut').disabled = true;
  send('connection/cut').catch(report);
});
