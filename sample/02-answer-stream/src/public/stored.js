// The runs of this browser: a reload and a second tab find them here. A real application has them in its database.

const QUESTIONS = 'answer-stream:questions';
const IMPORT = 'answer-stream:import';
const MAX_QUESTIONS = 5;

const read = (key) => JSON.parse(localStorage.getItem(key) ?? 'null');

export const stored = {
  /** `{ id, question }`, the oldest first. */
  get questions() {
    return read(QUESTIONS) ?? [];
  },
  /** Id of the newest import. */
  get importId() {
    return read(IMPORT) ?? undefined;
  },
  addQuestion(entry) {
    const others = this.questions.filter(({ id }) => id !== entry.id);
    localStorage.setItem(QUESTIONS, JSON.stringify([...others, entry].slice(-MAX_QUESTIONS)));
  },
  clearQuestions() {
    localStorage.setItem(QUESTIONS, '[]');
  },
  setImport(id) {
    localStorage.setItem(IMPORT, JSON.stringify(id));
  },
  /** Calls the listener when another tab has changed something. */
  onChange(listener) {
    addEventListener('storage', listener);
  },
};
