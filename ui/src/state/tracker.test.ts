import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Answer } from '../api/journeys';
import type { Journey, Verdict } from '../lib/journey';
import { createTokenStore } from './token';
import { createTracker } from './tracker';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const journey = (verdict: Verdict): Journey => ({
  correlationId: 'abc', verdict, reason: '', completeness: 'proved', completenessReason: '', asOf: null, kind: '',
  start: null, end: null, stations: [], hops: [], legs: [], records: [], gaps: [],
});
const found = (verdict: Verdict): Answer => ({ kind: 'found', journey: journey(verdict) });
const unreachable: Answer = { kind: 'unreachable' };
const notFound: Answer = { kind: 'not_found', detail: '' };

/** Answers the questions in turn; the last answer stays. */
function start(...answers: Answer[]) {
  const asked: { id: string; token: string | null; signal: AbortSignal }[] = [];
  const page = { hidden: false };
  const tracker = createTracker(
    (id, token, signal) => {
      asked.push({ id, token, signal });
      return Promise.resolve(answers[Math.min(asked.length, answers.length) - 1] ?? notFound);
    },
    createTokenStore(() => {
      throw new Error('no storage');
    }),
    () => page.hidden,
  );
  return { tracker, asked, page };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

describe('tracker', () => {
  it('starts at the start', () => expect(start().tracker.tracking.value).toEqual({ phase: 'start' }));

  it('loads and shows', async () => {
    const { tracker, asked } = start(found('delivered'));
    tracker.track(' abc ');
    expect(tracker.tracking.value).toEqual({ phase: 'loading', id: 'abc' });
    await settle();
    expect(tracker.tracking.value).toMatchObject({ phase: 'shown', id: 'abc', away: false });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(1);
  });

  it('does not ask for what is no ID', async () => {
    const { tracker, asked } = start();
    tracker.track('a b');
    await settle();
    expect(tracker.tracking.value).toEqual({ phase: 'refused', entered: 'a b', fault: 'bad_character' });
    expect(asked).toHaveLength(0);
  });

  it('follows an open journey every second until it closes', async () => {
    const { tracker, asked } = start(found('in_transit'), found('unconfirmed'), found('delivered'));
    tracker.track('abc');
    await settle();
    await vi.advanceTimersByTimeAsync(999);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(3);
    expect(tracker.tracking.value).toMatchObject({ phase: 'shown', journey: { verdict: 'delivered' } });
  });

  it('never goes back to loading while it follows', async () => {
    const { tracker } = start(found('in_transit'), unreachable, found('in_transit'), found('delivered'));
    const phases: string[] = [];
    tracker.track('abc');
    await settle();
    const stop = tracker.tracking.subscribe((now) => phases.push(now.phase));
    await vi.advanceTimersByTimeAsync(10_000);
    stop();
    expect(new Set(phases)).toEqual(new Set(['shown']));
  });

  it('keeps what is shown while the server is away, and backs off', async () => {
    const { tracker, asked } = start(found('in_transit'), unreachable);
    tracker.track('abc');
    await settle();
    const known = tracker.tracking.value;
    await vi.advanceTimersByTimeAsync(1000);
    expect(tracker.tracking.value).toEqual({ ...known, away: true });
    const before = asked.length;
    await vi.advanceTimersByTimeAsync(1000 + 2000 + 4000);
    expect(asked.length - before).toBe(3);
    await vi.advanceTimersByTimeAsync(7999);
    expect(asked.length - before).toBe(3);
  });

  it('comes back with the server', async () => {
    const { tracker } = start(unreachable, { kind: 'server_error', detail: '', status: 503 }, found('delivered'));
    tracker.track('abc');
    await settle();
    expect(tracker.tracking.value).toMatchObject({ phase: 'failed', failure: { kind: 'unreachable' }, looking: true });
    await vi.advanceTimersByTimeAsync(1000);
    expect(tracker.tracking.value).toMatchObject({ phase: 'failed', failure: { kind: 'server_error' } });
    await vi.advanceTimersByTimeAsync(2000);
    expect(tracker.tracking.value).toMatchObject({ phase: 'shown' });
  });

  it('looks a while for an unknown ID, then leaves it to the person', async () => {
    const { tracker, asked } = start(notFound);
    tracker.track('abc');
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(asked).toHaveLength(9);
    expect(tracker.tracking.value).toMatchObject({ phase: 'failed', looking: false });
    tracker.again();
    await settle();
    expect(asked).toHaveLength(10);
  });

  it('asks nothing while the tab is hidden, and at once when it is back', async () => {
    const { tracker, asked, page } = start(found('in_transit'));
    tracker.track('abc');
    await settle();
    page.hidden = true;
    tracker.visibilityChanged();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(1);
    page.hidden = false;
    tracker.visibilityChanged();
    await settle();
    expect(asked).toHaveLength(2);
  });

  it('does not ask early because the tab came back', async () => {
    const { tracker, asked } = start(found('in_transit'));
    tracker.track('abc');
    await settle();
    tracker.visibilityChanged();
    await settle();
    expect(asked).toHaveLength(1);
  });

  it('asks for a token, and again with it', async () => {
    const { tracker, asked } = start({ kind: 'unauthorized', detail: '', refused: false }, found('delivered'));
    tracker.track('abc');
    await settle();
    expect(tracker.tracking.value).toMatchObject({ phase: 'failed', failure: { kind: 'unauthorized' }, looking: false });
    tracker.authorize('s3cret');
    await settle();
    expect(asked.map((question) => question.token)).toEqual([null, 's3cret']);
    expect(tracker.tracking.value).toMatchObject({ phase: 'shown' });
  });

  it('drops the answer to a question that is no longer asked', async () => {
    const answers = new Map<string, (answer: Answer) => void>();
    const tracker = createTracker((id) => new Promise((resolve) => answers.set(id, resolve)), createTokenStore(() => { throw new Error('none'); }), () => false);
    tracker.track('one');
    tracker.track('two');
    answers.get('one')?.(found('delivered'));
    await settle();
    expect(tracker.tracking.value).toEqual({ phase: 'loading', id: 'two' });
    answers.get('two')?.(found('stalled'));
    await settle();
    expect(tracker.tracking.value).toMatchObject({ phase: 'shown', id: 'two' });
  });

  it('calls off the question when the page leaves', async () => {
    const { tracker, asked } = start(found('in_transit'));
    tracker.track('abc');
    tracker.track(null);
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(tracker.tracking.value).toEqual({ phase: 'start' });
  });
});
