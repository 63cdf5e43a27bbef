import assert from 'node:assert/strict';
import { scopesOf } from '../../web/src/board-scope.ts';
import { durationText, missingText, movementMark, movementText, seasonText, unplacedText } from '../../web/src/board-text.ts';

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000] as const;

describe('web: what a board says', () => {
  it('counts a season down in its two largest units, and says at last that it ends', () => {
    assert.equal(durationText(3 * DAY + 4 * HOUR + 59 * MINUTE), '3 days 4 hours');
    assert.equal(durationText(DAY + 20 * MINUTE), '1 day');
    assert.equal(durationText(HOUR + MINUTE), '1 hour 1 minute');
    assert.equal(durationText(12 * MINUTE + 40 * SECOND), '12 minutes');
    assert.equal(durationText(1), '1 second');
    assert.equal(seasonText(12, 5_000, 4_000), 'Season 12, ends in 1 second');
    assert.equal(seasonText(12, 5_000, 5_000), 'Season 12, ends now');
    assert.equal(seasonText(1, null, 5_000), 'Season 1');
  });

  it('names the regions whose players are missing', () => {
    assert.equal(missingText([]), '');
    assert.equal(missingText(['asia']), 'The region Asia does not answer; its players are not shown.');
    assert.equal(missingText(['eu', 'south-america']), 'The regions EU and South america do not answer; their players are not shown.');
  });

  it('says a movement with words and with a sign', () => {
    const moves = [{ kind: 'up', places: 1 }, { kind: 'down', places: 12 }, { kind: 'new' }] as const;
    assert.deepEqual(moves.map((move) => movementText({ ...move, fading: false })), ['up 1 place', 'down 12 places', 'new on the board']);
    assert.deepEqual(moves.map((move) => movementMark({ ...move, fading: false })), ['▲ 1', '▼ 12', 'New']);
  });

  it('tells a player of another region from one without a score', () => {
    const regions = ['eu', 'us'];
    assert.equal(unplacedText('eu', 'us', regions), 'You are not ranked here: your region is EU.');
    assert.equal(unplacedText('eu', 'eu', regions), 'You have no place on this board yet.');
    assert.equal(unplacedText('eu', 'global', regions), 'You have no place on this board yet.');
    assert.equal(unplacedText('asia', 'eu', regions), 'You have no place on this board yet.');
  });

  it('lets nobody take a region for the own guild', () => {
    assert.deepEqual(scopesOf({ regions: ['eu', 'my-guild'] }).map(({ name, label }) => `${name}: ${label}`), ['global: All regions', 'eu: EU', 'my-guild: My guild', 'my_guild: My guild']);
  });
});
