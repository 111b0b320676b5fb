-- Sign-ins to the console that their people have ended. The provider's claims live in a cookie, and a copy of it would
-- work on: each page asks here first. A sign-in is named by a hash, from which nobody can make its cookie.
CREATE TABLE signed_out (
    sign_in text PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now()
);
