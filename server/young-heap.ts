import { setFlagsFromString } from 'node:v8';

/**
 * To be called before anything else in a process that moves value.
 *
 * V8 makes objects in the old generation from the start where many of their kind have once lived long, for good: among the first hundred trades after
 * a start, or with a thousand under way, all do. Then everything that belongs to a trade is copied there as well, and waits for a collection
 * of the whole heap. With a thousand in flight that was a sixth of what a trade costs this process, with a hundred it came about in one start of ten.
 * @see V8, src/heap/pretenuring-handler.cc
 */
export function keepHeapYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
