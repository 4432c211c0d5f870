-- SPDX-License-Identifier: Apache-2.0
CREATE DATABASE shop;
CREATE TABLE shop.goods (name TEXT);
INSERT INTO shop.goods VALUES ('pear');
