// The behaviours that our components ask for by data-module, and their start. A test names what is missing.
import {
  Button, CharacterCount, Checkboxes, ErrorSummary, Header, NotificationBanner, Radios, Scroll, SkipLink, Table, createAll,
} from 'nhsuk-frontend'

for (const behaviour of [
  Button, CharacterCount, Checkboxes, ErrorSummary, Header, NotificationBanner, Radios, Scroll, SkipLink, Table,
]) createAll(behaviour)
