import '../styles/base.css';
import '../styles/controls.css';
import '../styles/ops.css';
import { opsPage } from './page.ts';

document.getElementById('app')!.replaceChildren(...opsPage());
