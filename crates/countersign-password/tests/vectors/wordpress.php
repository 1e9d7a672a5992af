<?php
// Makes wordpress.jsonl again: passwords as WordPress itself hashes them, with the salts of that moment.
//
//   php wordpress.php PATH > wordpress.jsonl
//
// PATH is an installed WordPress whose first user is to have other passwords. Each is set in three ways: by the form of the
// profile, which refuses backslashes; by that of the reset, which both get what a browser sent after WordPress has escaped
// it; and by a call, as plugins do. Before 6.8 WordPress hashes with phpass; what it hashes with since is laid over it.

[$self, $path] = $argv;
if (!isset($argv[2])) {
    foreach (["it's", 'O\'Brien said "hi" \o/', '   spaces around   ', 'plain'] as $typed) {
        foreach (['phpass', 'bcrypt'] as $kind) {
            passthru(implode(' ', array_map('escapeshellarg', [PHP_BINARY, $self, $path, $kind, $typed])));
        }
    }
    exit;
}
[, , $kind, $typed] = $argv;

if ($kind === 'bcrypt') {
    function wp_hash_password($password) {
        $digest = base64_encode(hash_hmac('sha384', trim($password), 'wp-sha384', true));
        return '$wp' . password_hash($digest, PASSWORD_BCRYPT, ['cost' => 4]);
    }
}
function wp_mail() {}

$_SERVER += ['HTTP_HOST' => 'localhost', 'SERVER_NAME' => 'localhost', 'REQUEST_METHOD' => 'POST', 'REQUEST_URI' => '/'];
$_POST = ['pass1' => $typed, 'pass2' => $typed, 'email' => 'a@example.org', 'nickname' => 'first'];
require "$path/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/user.php';

function show($how) {
    global $wpdb, $wp_version, $kind, $typed;
    $maker = "WordPress $wp_version" . ($kind === 'bcrypt' ? ' with the hashing of 6.8' : '') . ", $how";
    $stored = $wpdb->get_var("SELECT user_pass FROM $wpdb->users WHERE ID = 1");
    echo json_encode(['maker' => $maker, 'password' => $typed, 'hash' => $stored], JSON_UNESCAPED_SLASHES), "\n";
}

if (!is_wp_error(edit_user(1))) {
    show('the form of the profile');
}
reset_password(get_user_by('id', 1), $_POST['pass1']);
show('the form of the reset');
wp_set_password($typed, 1);
show('a call');
