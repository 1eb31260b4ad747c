/** Runs every cell for every peer, several rounds, and collects what was measured. */
import { loadPeer } from '../peers/index.mjs';
import { medianOfFields } from './statistics.mjs';
import { RedisStage } from './redis-stage.mjs';
import { Stage } from './stage.mjs';

/**
 * @typedef {{ median?: object, rounds: object[], error?: string, skipped?: string }} Measured
 * @typedef {Record<string, Record<string, Measured>>} Results cell id, peer id
 */

/**
 * Rounds are outermost, each with fresh processes, and the order of peers is rotated. Within a round the
 * servers with promised ratios run at the same time and take turns of a second or less. A slow minute of the
 * machine then affects all of them and cancels out of the ratios.
 * @param {ReturnType<import('./arguments.mjs').readArguments>} plan
 * @param {(line: string) => void} log
 * @returns {Promise<Results>}
 */
export async function runRounds(plan, log) {
  const results = await leaveOut(plan);
  for (let round = 0; round < plan.rounds; round++) {
    for (const fleet of new Set(plan.cells.map((cell) => cell.fleet))) {
      for (const group of groups(rotate(plan.peers, round * 3), fleet.together)) {
        const isDue = (cell, peer) =>
          cell.family === peer.family && round < roundsOf(cell, peer) && !results[cell.id][peer.id].skipped;
        const cells = plan.cells.filter((cell) => cell.fleet === fleet);
        const players = group.filter((peer) => cells.some((cell) => isDue(cell, peer)));
        if (players.length === 0) continue;
        const startedAt = performance.now();
        await perform({ players, fleet, cells, isDue, plan, results });
        const seconds = ((performance.now() - startedAt) / 1e3).toFixed(1);
        log(
          `round ${round + 1}/${plan.rounds}  ${fleet.name}: ${players.map(({ id }) => id).join(', ')}  ${seconds} s`,
        );
      }
    }
  }
  for (const byPeer of Object.values(results)) {
    for (const measured of Object.values(byPeer)) {
      if (measured.rounds.length > 0) measured.median = medianOfFields(measured.rounds);
    }
  }
  return results;
}

/** Opens one fleet per peer, and runs all cells that share it. The peers take turns. */
async function perform({ players, fleet, cells, isDue, plan, results }) {
  const clients = fleet.clients(plan.quick);
  const StageKind = fleet.redis ? RedisStage : Stage;
  const stages = players.map(
    (peer) => new StageKind(peer, { ...fleet.options, profileFolder: plan.profileFolder }),
  );
  const broken = new Map();
  const attempt = async (stage, work) => {
    if (broken.has(stage)) return;
    try {
      await work();
    } catch (error) {
      broken.set(stage, String(error.message));
    }
  };
  try {
    for (const stage of stages) await attempt(stage, () => openFleet(stage, clients));
    for (const cell of cells) {
      const due = stages.filter(({ peer }) => isDue(cell, peer));
      for (let repeat = 0; repeat < (cell.repeats ?? 1); repeat++) {
        for (const stage of rotate(due, repeat)) {
          const place = results[cell.id][stage.peer.id];
          await attempt(stage, async () => {
            place.rounds.push(await cell.measure(stage, { quick: plan.quick, clients }));
          });
          // Records a peer's failure as a result, and skips its later cells.
          if (broken.has(stage)) place.error ??= broken.get(stage);
        }
      }
    }
  } finally {
    await Promise.all(stages.map((stage) => stage.close()));
  }
}

async function openFleet(stage, clients) {
  await stage.open();
  stage.memoryBefore = await stage.memory();
  if (clients > 0) stage.connected = await stage.connect({ clients });
}

/** Groups the peers whose servers run at the same time. */
function groups(peers, together) {
  if (together === 'all') return [peers];
  const core = together === 'core' ? peers.filter((peer) => peer.core) : [];
  return [core, ...peers.filter((peer) => !core.includes(peer)).map((peer) => [peer])];
}

/** An empty place for every figure, and the reasons why some will stay empty. @returns {Promise<Results>} */
async function leaveOut({ cells, peers }) {
  const unavailable = new Map();
  for (const peer of peers) {
    const module = await loadPeer(peer.id);
    unavailable.set(peer.id, module.unavailable?.());
  }
  const place = (cell, peer) => ({ rounds: [], skipped: unavailable.get(peer.id) ?? cell.leftOut(peer) });
  return Object.fromEntries(
    cells.map((cell) => {
      const family = peers.filter((peer) => peer.family === cell.family);
      return [cell.id, Object.fromEntries(family.map((peer) => [peer.id, place(cell, peer)]))];
    }),
  );
}

/** Peers that are there for comparison get fewer rounds of the long cells: the whole run is to take minutes. */
function roundsOf({ rounds = Infinity, coreRounds = Infinity }, { core }) {
  return core ? coreRounds : rounds;
}

function rotate(list, by) {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
