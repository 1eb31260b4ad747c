// Connects the stream with the parts of the page: charts, chat, counters and frames.
import { ReceivedEvents } from './received-events.js';
import { Charts } from './charts.js';
import { Chat } from './chat.js';
import { Frames } from './frames.js';
import { Stream } from './stream.js';
import { tab } from './tab.js';

const EVENTS = ['sse:ready', 'sse:gap', 'welcome', 'stats', 'chat', 'notice', 'typing', 'sse:join', 'sse:leave'];
const STATES = {
  connecting: ['Connecting', 'to this server'],
  open: ['Open', 'events arrive as they happen'],
  reconnecting: ['Reconnecting', 'the browser comes back by itself'],
};

const $ = (id) => document.getElementById(id);

const params = new URLSearchParams({ tab: tab.key });
if (tab.nickname) params.set('nickname', tab.nickname);

const stream = new Stream(params, EVENTS);
const events = new ReceivedEvents(stream, showCounters, showReturn);
const { counter } = events;
const frames = new Frames();
const charts = new Charts($('charts'));
const chat = new Chat(stream, (room) => counter.forget(room));

/** Data of the last welcome. */
let me;

function on(name, listener) {
  stream.addEventListener(name, ({ detail }) => listener(detail));
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

on('state', (state) => {
  [$('state').textContent, $('note').textContent] = STATES[state];
  $('pill').dataset.state = state;
  if (state === 'open') return;
  $('cut').disabled = true;
  chat.enabled = false;
  events.away();
  if (me) charts.cut();
});

on('welcome', (welcome) => {
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

on('sse:gap', (gap) => events.gap(gap));

events.on('stats', (sample) => charts.add(sample));
events.on('chat', (message, resumed) => chat.message(message, resumed));
events.on('notice', (notice, resumed) => chat.notice(notice, resumed));
on('typing', (typing) => chat.typing(typing));
on('sse:join', (member) => chat.entered(member));
on('sse:leave', (member) => chat.left(member));
on('frame', (event) => frames.show(event));

$('cut').addEventListener('click', () => {
  $('cut').disabled = true;
  stream.post('connection/cut').catch(report);
});

stream.open();
