CREATE DATABASE ctf;
CREATE TABLE ctf.flags (flag TEXT);
INSERT INTO ctf.flags VALUES ('flag{it_was_there_at_build_time}');
CREATE USER 'www-data'@'localhost' IDENTIFIED VIA unix_socket;
GRANT SELECT ON ctf.* TO 'www-data'@'localhost';
