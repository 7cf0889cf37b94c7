/** Whether leaving this page would lose what somebody has typed into it. */

let typedAt: string | null = null;

/** Begin to watch the fields of a page; what is sought is in the address, and not lost. */
export function watchTyping(page: Pick<Document, "addEventListener">): void {
  page.addEventListener("input", ({ target }) => {
    if (!isSought(target)) typedAt = location.pathname;
  });
}

export const hasTyped = (): boolean => typedAt === location.pathname;

const isSought = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest('search, [type="search"]') !== null;
