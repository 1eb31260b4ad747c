// The page: takes the summaries of all nodes, and opens the panels.
import { byId, setText } from './dom.js';
import { Feed } from './feed.js';
import { Fleet } from './fleet.js';
import { Overview } from './overview.js';
import { ClientPanel } from './client-panel.js';
import { RoomPanel } from './room-panel.js';

/** Interval of drawing, in milliseconds, however many nodes there are. */
const DRAW_MS = 1_000;
/** Every second drawing adds a point to the curves, as a node sends a summary every two seconds. */
const DRAWINGS_PER_POINT = 2;

const STATES = {
  live: (nodes) => (nodes === 1 ? 'Live, 1 node' : `Live, ${nodes} nodes`),
  reconnecting: () => 'Reconnecting',
  refused: () => 'Refused. Are you signed in? Trying again',
};

const fleet = new Fleet();
const overview = new Overview(fleet);
const panels = { client: new ClientPanel(), room: new RoomPanel() };
const state = byId('state');
let drawings = 0;

const feed = new Feed(
  {},
  {
    summary: (summary) => {
      fleet.take(summary, performance.now());
      if (drawings === 0) draw();
    },
    bye: ({ node }) => fleet.forget(node),
  },
  (name) => {
    state.dataset.state = name;
    showState();
  },
);

// A page that the browser keeps for the back button needs no stream.
window.addEventListener('pagehide', () => feed.close());
window.addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

function draw() {
  const nowMs = performance.now();
  const totals = overview.show(nowMs);
  if (drawings % DRAWINGS_PER_POINT === 0) fleet.note(totals, nowMs);
  drawings += 1;
  showState(totals.nodes);
}

function showState(nodes = 0) {
  setText(state, STATES[state.dataset.state]?.(nodes) ?? 'Connecting');
}

setInterval(draw, DRAW_MS);

// Each button of a client or a room, also those in panels.
document.addEventListener('click', ({ target }) => {
  const { kind, name } = target.closest?.('.open')?.dataset ?? {};
  if (kind !== undefined) show(kind, name);
});

function show(kind, name) {
  for (const [each, panel] of Object.entries(panels))
    if (each !== kind && panel.dialog.open) panel.dialog.close();
  panels[kind].open(name);
}

const [kindOf, text] = [byId('find-kind'), byId('find-text')];
kindOf.addEventListener('change', () => {
  text.placeholder = kindOf.value === 'client' ? 'Exact id' : 'Exact name';
});
byId('find').addEventListener('submit', (event) => {
  event.preventDefault();
  show(kindOf.value, kindOf.value === 'client' ? text.value.trim() : text.value);
});
