import { mount } from 'svelte';
import App from './App.svelte';
import { router } from './router/router.svelte';
import { start } from './stores/campanile.svelte';
import { preferences } from './stores/preferences.svelte';
import './styles/tokens.css';
import './styles/base.css';

preferences.start();
router.start();
start();
mount(App, { target: document.getElementById('page')! });
