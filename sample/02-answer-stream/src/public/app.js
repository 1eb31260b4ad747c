// Connects the parts of the page: questions, answers, and the import.
import { Answer } from './answer.js';
import { Import } from './import.js';
import { post } from './post.js';
import { randomId } from './run.js';
import { stored } from './stored.js';

const HINT_MS = 6_000;

const $ = (id) => document.getElementById(id);

/** id -> Answer */
const answers = new Map();
let hintTimer;
/** True while the newest line is in view; it stays so, until the visitor scrolls up. */
let isAtEnd = true;

function hint(text) {
  clearTimeout(hintTimer);
  $('hint').textContent = text;
  $('hint').classList.add('error');
  hintTimer = setTimeout(() => ($('hint').textContent = ''), HINT_MS);
}

/** Sends a POST. A failure is shown. */
const send = (path, body) => post(path, body).catch((error) => hint(error.message));

function show(entry, isNew = false) {
  if (answers.has(entry.id)) return;
  const onChange = () => {
    $('send').disabled = [...answers.values()].some(({ isOpen }) => isOpen);
    if (isAtEnd) $('answers').scrollTop = $('answers').scrollHeight;
    // From now on a reload and other tabs find it.
    if (isNew && answers.get(entry.id)?.state === 'running') {
      isNew = false;
      stored.addQuestion(entry);
    }
  };
  answers.set(entry.id, new Answer($('answers'), entry, { send, onChange, isNew }));
  onChange();
}

/** Brings the page in line with what this browser has stored: at its start, and when another tab has changed it. */
function update() {
  const { questions, importId } = stored;
  const known = new Set(questions.map(({ id }) => id));
  for (const [id, answer] of answers) {
    if (known.has(id) || answer.isOpen) continue;
    answer.remove();
    answers.delete(id);
  }
  for (const entry of questions) show(entry);
  if (importId !== undefined) rows.follow(importId);
}

const rows = new Import(async () => {
  const id = randomId();
  try {
    await post(`imports/${id}`);
    stored.setImport(id);
    rows.follow(id);
  } catch (error) {
    hint(error.message);
  }
}, send);

$('answers').addEventListener('scroll', () => {
  const { scrollHeight, scrollTop, clientHeight } = $('answers');
  isAtEnd = scrollHeight - scrollTop - clientHeight < 40;
});
$('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  const question = $('question').value.trim();
  if (question === '') return;
  $('question').value = '';
  isAtEnd = true;
  show({ id: randomId(), question }, true);
});
$('clear').addEventListener('click', () => {
  stored.clearQuestions();
  update();
});
stored.onChange(update);
update();
