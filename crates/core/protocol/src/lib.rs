//! Messages between peers, and between the threads of a tab.
