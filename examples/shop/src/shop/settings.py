CONF_SOURCE = "conf"
