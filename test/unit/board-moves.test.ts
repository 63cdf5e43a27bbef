import assert from 'node:assert/strict';
import type { PlayerId } from '../../schema/ids.ts';
import type { BoardRow, BoardRows } from '../../schema/leaderboard.ts';
import { followRows, MOVE_SHOWN_MS, movementOf, type MovingRows } from '../../web/src/board-moves.ts';

/** A board on which they stand in that order; those in one word share a rank. */
function board(places: string, { season = 1, missing = [] as string[] } = {}): BoardRows {
  const rows: BoardRow[] = [];
  for (const tied of places.split(' ').filter(Boolean)) {
    const rank = rows.length + 1;
    for (const name of tied) rows.push({ rank, playerId: name as PlayerId, name, score: 100 - rank, region: 'eu' });
  }
  return { board: 'arena', region: 'global', season, rows, missing };
}

/** Boards one after another, a second apart. */
function follow(boards: readonly BoardRows[], newcomers = true): MovingRows {
  let moving: MovingRows | undefined;
  for (const [index, rows] of boards.entries()) moving = followRows(moving, rows, { nowMs: index * 1000, newcomers });
  return moving!;
}

/** What is shown of each at that time: `+2` for two places up, `*` for new; a question mark while it fades. */
function shown(moving: MovingRows, nowMs: number): Record<string, string> {
  const marks = moving.rows.rows.map((row) => {
    const movement = movementOf(moving, row, nowMs);
    const text = !movement ? '' : movement.kind === 'new' ? '*' : `${movement.kind === 'up' ? '+' : '-'}${movement.places}`;
    return [row.playerId, movement?.fading ? `${text}?` : text] as const;
  });
  return Object.fromEntries(marks.filter(([, text]) => text !== ''));
}

describe('web: what moved on a board', () => {
  it('is nothing at first', () => {
    assert.deepEqual(shown(follow([board('a b c')]), 0), {});
  });

  it('is by how many places, up and down, and who came in', () => {
    assert.deepEqual(shown(follow([board('a b c d'), board('c a b e')]), 1000), { c: '+2', a: '-1', b: '-1', e: '*' });
  });

  it('is by ranks, which equal scores share', () => {
    assert.deepEqual(shown(follow([board('a b c'), board('ab c')]), 1000), { b: '+1' });
    assert.deepEqual(shown(follow([board('ab c'), board('b a c')]), 1000), { a: '-1' });
  });

  it('is told of from where a row stood first while that is still shown, and no more when it is back there', () => {
    assert.deepEqual(shown(follow([board('a b c'), board('a c b'), board('c a b')]), 2000), { c: '+2', a: '-1', b: '-1' });
    assert.deepEqual(shown(follow([board('a b c'), board('a c b'), board('a b c')]), 2000), {});
  });

  it('fades and goes, and what moves after that is told of from there', () => {
    const moved = follow([board('a b c'), board('c a b')]);
    assert.deepEqual(shown(moved, 1000 + MOVE_SHOWN_MS - 1), { c: '+2?', a: '-1?', b: '-1?' });
    assert.deepEqual(shown(moved, 1000 + MOVE_SHOWN_MS), {});
    const later = followRows(moved, board('a c b'), { nowMs: 1000 + MOVE_SHOWN_MS, newcomers: true });
    assert.deepEqual(shown(later, 1000 + MOVE_SHOWN_MS), { a: '+1', c: '-1' });
  });

  it('stays shown while nothing else moves, and a newcomer stays one', () => {
    assert.deepEqual(shown(follow([board('a b'), board('b a'), board('b a')]), 2000), { b: '+1', a: '-1' });
    assert.deepEqual(shown(follow([board('a'), board('a b'), board('b a')]), 2000), { b: '*', a: '-1' });
  });

  /** Guards the comparison of `missing`: without it, everybody rises when a region is away. */
  it('is nothing where the rows are among others than before', () => {
    assert.deepEqual(shown(follow([board('a b c'), board('c', { missing: ['us'] })]), 1000), {});
    assert.deepEqual(shown(follow([board('a b c'), board('c a', { season: 2 })]), 1000), {});
    assert.deepEqual(shown(follow([board('a b c'), { ...board('c b a'), region: 'eu' }]), 1000), {});
    assert.deepEqual(shown(follow([board('a b', { missing: ['us', 'eu'] }), board('b a', { missing: ['eu', 'us'] })]), 1000), { b: '+1', a: '-1' });
  });

  it('has no newcomers in a cut-out, where one only comes into sight', () => {
    assert.deepEqual(shown(follow([board('a b'), board('b a c')], false), 1000), { b: '+1', a: '-1' });
  });
});
