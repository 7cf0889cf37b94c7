/** One question at a time; a new turn lets go of what is still on its way, whenever that comes. */
export class Turns {
  private current = { isAsking: false };

  /** What was asked before counts no more. */
  begin(): void {
    this.current = { isAsking: false };
  }

  /** Asks, unless something is being asked; *heard* and *failed* are of this turn only. */
  async ask<Answer>(
    question: () => Promise<Answer>,
    heard: (answer: Answer) => void,
    failed: (error: Error) => void,
  ): Promise<void> {
    const mine = this.current;
    if (mine.isAsking) return;
    mine.isAsking = true;
    try {
      const answer = await question();
      if (mine === this.current) heard(answer);
    } catch (error) {
      if (mine === this.current) failed(error as Error);
    } finally {
      mine.isAsking = false;
    }
  }
}
