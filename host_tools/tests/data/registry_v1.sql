-- A registry as fieldbeat wrote it with tables of version 1.
PRAGMA user_version=1;
PRAGMA application_id=1717727847;
BEGIN TRANSACTION;
CREATE TABLE history (at_s REAL NOT NULL, unit TEXT NOT NULL, action TEXT NOT NULL, detail TEXT);
INSERT INTO "history" VALUES(1717243200.0,'gh-1','provisioned','epoch 1');
CREATE TABLE keys (
    kid BLOB NOT NULL, epoch INTEGER NOT NULL, master BLOB NOT NULL, created_s REAL NOT NULL,
    sent_s REAL, down_limit INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (kid, epoch));
INSERT INTO "keys" VALUES(X'0001',1,X'01010101010101010101010101010101',1717243200.0,1717243200.0,256);
CREATE TABLE settings (name TEXT PRIMARY KEY, value);
INSERT INTO "settings" VALUES('kid_size',2);
CREATE TABLE units (
    name TEXT PRIMARY KEY, kid BLOB NOT NULL UNIQUE, epoch INTEGER NOT NULL, state TEXT NOT NULL,
    mac TEXT NOT NULL DEFAULT '', board TEXT NOT NULL DEFAULT '',
    profile TEXT NOT NULL DEFAULT '', site TEXT NOT NULL DEFAULT '',
    firmware TEXT NOT NULL DEFAULT '', config_sha256 TEXT NOT NULL DEFAULT '',
    report_interval_s INTEGER, created_s REAL NOT NULL, changed_s REAL NOT NULL);
INSERT INTO "units" VALUES('gh-1',X'0001',1,'provisioned','02:00:00:00:00:01','greenhouse_esp32','greenhouse','riverside','0.1.0','',3600,1717243200.0,1717243200.0);
COMMIT;
