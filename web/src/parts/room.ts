// What the head and a bar at the foot take of the view, as lengths for the style sheets: a column that
// fills the view ends above the foot, whatever wraps or comes.
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

const measures = {
  "--head": (element: HTMLElement) => element.offsetHeight,
  "--foot": (element: HTMLElement) => innerHeight - element.getBoundingClientRect().top,
};

/** Measures the element that the answer is given to, while it is shown. */
export function useRoom(name: keyof typeof measures, isShown: boolean): RefObject<HTMLElement> {
  const measured = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const element = measured.current;
    if (!element) return;
    const { style } = document.documentElement;
    const observer = new ResizeObserver(() =>
      style.setProperty(name, `${Math.ceil(measures[name](element))}px`),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      style.removeProperty(name);
    };
  }, [isShown]);
  return measured;
}
