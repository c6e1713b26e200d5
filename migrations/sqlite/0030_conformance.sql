-- What the conformance suite found when the version was uploaded, as JSON; null where it was not run.
alter table plugin_versions add column conformance text;
