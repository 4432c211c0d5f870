<?php
$db = new mysqli("localhost", "www-data", "", "ctf", 0, "/run/mysqld/mysqld.sock");
echo $db->query("SELECT flag FROM flags")->fetch_row()[0], "\n";
