import '../styles/base.css';
import '../styles/controls.css';
import '../styles/game.css';
import '../styles/trade.css';
import '../styles/window.css';
import '../styles/guild.css';
import '../styles/board.css';
import { account, restoreAccount } from './account.ts';
import { loadCatalog } from './catalog.ts';
import { gamePage } from './game-page.ts';
import { signInPage } from './sign-in-page.ts';

const app = document.getElementById('app')!;
let game: ReturnType<typeof gamePage> | undefined;

/** Signed in is the game, signed out is the first page; an account that only gets an e-mail stays where it is. */
account.watch((user) => {
  if (user === undefined || (user && game)) return;
  game?.close();
  game = user ? gamePage() : undefined;
  app.replaceChildren(game?.element ?? signInPage());
});

void loadCatalog();
void restoreAccount();
