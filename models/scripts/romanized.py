"""Names in Latin letters where Faker has them in others, or has none.

Cyrillic and Greek letters are exchanged one by one, as passports do, roughly. The lists are of
common names, in one usual spelling or two.
"""

_LATIN = {
    "абвгдезиіїйклмнопрстуфхцыэґ": "a b v g d e z i i yi y k l m n o p r s t u f kh ts y e g",
    "ёжчшщюяє": "yo zh ch sh shch yu ya ye",
    "ъ": "a",
    "αβγδεζηικλμνξοπρσςτυφθχψ": "a v g d e z i i k l m n x o p r s s t y f th ch ps",
    "άέήίόύώωϊϋΐ": "a e i i o y o o i y i",
}
_LETTERS = {
    letter: latin
    for letters, written in _LATIN.items()
    for letter, latin in zip(letters, written.split(), strict=True)
} | {"ь": ""}
# Greek writes single sounds with two letters.
_PAIRS = {"ου": "ou", "ού": "ou", "μπ": "b", "ντ": "nt", "γγ": "ng", "ευ": "ev", "αυ": "av"}

# Given names and surnames.
LISTS = {
    "arabic": (
        "Ahmed Mohammed Omar Ali Hassan Hussein Khalid Youssef Yusuf Ibrahim Mustafa Tariq Faisal "
        "Karim Samir Nasser Bilal Hamza Rashid Saeed Zaid Amir Jamal Walid Fatima Aisha Maryam "
        "Layla Noor Zainab Salma Huda Amina Rania Yasmin Hanan Samira Dina Lina Reem Nadia Farah "
        "Sara Mona Abdullah Abdulrahman Marwan Hisham Ghada Iman Abd al-Rahman",
        "al-Masri|Al-Rashid|Haddad|Khoury|Mansour|Nasser|Saleh|Hamdan|Abu Bakr|bin Salman|Khalil|"
        "El-Sayed|Al Maktoum|ibn Khaldun|Al-Farsi|Darwish|Najjar|Shaheen|Abdel Fattah|bin Zayed|"
        "Al-Hashimi|Aziz|Barakat|Ghanem|Hariri|El Amrani|Benali|Bouazizi|Mahfouz|al-Jaziri|"
        "Abdallah|Al Thani|bint Rashid|Zayani|Taha|Ramadan|Abu Zeid|El Fassi|al-Tamimi|Qasim",
    ),
    "persian": (
        "Reza Mehdi Hossein Arash Kaveh Dariush Farhad Behnam Shahram Parviz Maryam Leila Shirin "
        "Nasrin Zahra Parisa Azadeh Soraya Golnaz Mina Sina Kian Nima Omid Laleh",
        "Ahmadi|Hosseini|Karimi|Rezaei|Mohammadi|Tehrani|Shirazi|Farahani|Jafari|Rahimi|Sadeghi|"
        "Moradi|Ebadi|Ghorbani|Kazemi|Nouri|Yazdani|Esfahani|Pahlavan|Zand",
    ),
    "hebrew": (
        "Noam Itai Yosef Moshe Avi Eitan Amit Uri Yair Nadav Tamar Noa Shira Yael Michal Rivka "
        "Talia Maya Hadas Ronit Ofir Gal Dov Gilad Efrat",
        "Cohen|Levi|Mizrahi|Peretz|Biton|Ben-David|Ben Ami|Bar-Lev|Friedman|Katz|Shapira|Azoulay|"
        "Golan|Avraham|Ben-Gurion|Dayan|Rosenberg|Sharon|Segal|Harari",
    ),
    "korean": (
        "Min-jun Seo-yeon Ji-hoon Ji-woo Hyun-woo Soo-jin Eun-ji Dong-hyun Jae-in Sung-min Yuna "
        "Min-seo Ha-eun Kyung-soo Young-ho Hye-jin Tae-hyung Jin-ho Sang-woo Mi-kyung Seojun "
        "Bo-gum Chan-wook Na-ri Joon-ho",
        "Kim|Lee|Park|Choi|Jung|Kang|Cho|Yoon|Jang|Lim|Han|Shin|Seo|Kwon|Hwang|Ahn|Song|Bae|Moon",
    ),
    "vietnamese": (
        "Minh Anh Linh Huong Nam Tuan Thanh Phuong Hoa Quang Dung Hung Mai Lan Ngoc Trang Long Duc "
        "Thuy Khoa Bao Hai Van-Anh Thi-Mai",
        "Nguyen|Tran|Le|Pham|Hoang|Huynh|Phan|Vu|Vo|Dang|Bui|Do|Ho|Ngo|Duong|Ly|Nguyễn|Trần|Phạm",
    ),
    "thai": (
        "Somchai Somsak Anong Malee Niran Kittisak Prasert Suda Wichai Chai Ploy Apinya Nattapong "
        "Siriporn Thaksin Pranee Kamon Arthit Chaiwat Ratana",
        "Saetang|Chaiyasit|Srisai|Wongsawat|Shinawatra|Charoensuk|Boonmee|Rattanakosin|Thongchai|"
        "Suwan|Phongphan|Jaidee|Kittikhun|Sukhumvit|Panyarachun|Vejjajiva|Chulanont|Intharathit",
    ),
    "tamil": (
        "Karthik Murugan Senthil Arun Vignesh Lakshmi Priya Meena Kavitha Anbu Selvi Ramesh Suresh "
        "Ganesh Anitha Divya Deepa Harini Saravanan Vijay",
        "Subramanian|Ramanathan|Krishnan|Natarajan|Iyer|Iyengar|Pillai|Venkataraman|Sundaram|"
        "Raman|Narayanan|Swaminathan|Chandrasekhar|Balakrishnan|Rajan|Palaniswami",
    ),
    "ethiopian": (
        "Abebe Haile Tadesse Dawit Yonas Kebede Girma Bekele Tigist Hanna Selam Meron Aster "
        "Almaz Derartu Genzebe Kenenisa Solomon Mulugeta Liya",
        "Tesfaye|Gebremariam|Bekele|Wolde|Alemu|Gebrselassie|Mengistu|Desta|Assefa|Haile|Tadesse|"
        "Kebede|Dibaba|Girma|Abera|Negash|Worku|Demissie",
    ),
    "somali": (
        "Abdi Farah Mohamud Hodan Ayaan Ifrah Warsame Nuur Sahra Halima Idil Liban Asha Fadumo",
        "Warsame|Farah|Hirsi Ali|Abdi|Jama|Omar|Nur|Gedi|Mohamud|Aden|Hersi|Egal|Samatar|Guled",
    ),
    "polynesian": (
        "Sione Tavita Malia Leilani Keoni Kalani Tane Aroha Mele Ana Wiremu Hone Ioane Manaia "
        "Lagi Sefo Tevita Kaimana",
        "Tuilagi|Fonoti|Kealoha|Kahale|Ngata|Te Kanawa|Tupou|Fifita|Leota|Kamakawiwoʻole|Parata|"
        "Tuivasa|Mahuta|Faleolo|Folau",
    ),
    "japanese": (
        "Yuki Hiroshi Kenji Takashi Haruto Sota Ren Aoi Sakura Yui Hina Akira Naomi Keiko Emi "
        "Satoshi Makoto Ryo Daisuke Shinzo Haruki Yoko Kazuo Michiko Tomoko",
        "Sato|Suzuki|Takahashi|Tanaka|Watanabe|Ito|Yamamoto|Nakamura|Kobayashi|Kato|Yoshida|"
        "Yamada|Sasaki|Matsumoto|Inoue|Kimura|Hayashi|Shimizu|Mori|Abe|Fujita|Okada|Murakami|Ōta",
    ),
    "chinese": (
        "Wei Xiaoming Li-Na Jing Hao Xin Yan Mei Ling Jun Fang Lei Ming Hui Xiu Ying Tao Bo Qiang "
        "Yifei Zihan Yutong Haoran Jiayi Mei-Ling Chia-Hao Kai-Wen Ka-Shing Tzu-Yu Ziyi Yue",
        "Wang|Li|Zhang|Liu|Chen|Yang|Huang|Zhao|Wu|Zhou|Xu|Sun|Ma|Zhu|Hu|Guo|He|Lin|Gao|Luo|Wong|"
        "Chan|Cheung|Lau|Ng|Ho|Tsai|Hsu|Ouyang|Xi|Deng|Tang|Feng|Xiao|Cai|Ye",
    ),
    "brazilian": (
        "João Maria José Ana Antônio Francisca Carlos Paulo Pedro Lucas Luiz Marcos Gabriel Rafael "
        "Juliana Fernanda Camila Larissa Thiago Beatriz Mariana Caio Vinícius Isadora",
        "da Silva|dos Santos|de Oliveira|Souza|Rodrigues|Ferreira|Alves|Pereira|Lima|Gomes|Costa|"
        "Ribeiro|de Carvalho|do Nascimento|Araújo|Moreira|Cardoso|da Costa|Teixeira|e Silva",
    ),
    "filipino": (
        "Jose Maria Angelo Rizza Jericho Maricel Bayani Ligaya Joy Rodrigo Imelda Corazon Manny "
        "Liza Kristine Jhun Danilo Rowena Efren Analyn",
        "dela Cruz|de la Cruz|Santos|Reyes|Garcia|Bautista|Ocampo|Mendoza|Aquino|Villanueva|"
        "Macaraeg|Dimaculangan|Magsaysay|Tolentino|Pacquiao|delos Reyes|Manalo",
    ),
    "irish": (
        "Aoife Ciara Niamh Saoirse Siobhán Orla Róisín Cillian Conor Declan Eoin Padraig Seamus "
        "Liam Fionn Oisín Maeve Brendan Aidan Gráinne",
        "O'Brien|O'Connor|O'Neill|McCarthy|McDonald|MacDonald|McLaughlin|O'Sullivan|Mc Carthy|"
        "Fitzgerald|Gallagher|Doherty|Kennedy|O'Reilly|McGregor|Mac Giolla|Ní Dhomhnaill|Ó Briain|"
        "O’Hara|O’Malley|St. John|MacNeil|McEwan|FitzGibbon",
    ),
    "polish": (
        "Jakub Jan Mateusz Zofia Hanna Wojciech Agnieszka Małgorzata Paweł Łukasz Katarzyna Michał "
        "Krzysztof Grażyna Stanisław Bogdan Ewa Piotr Magdalena Zbigniew Jadwiga Szymon",
        "Nowak|Kowalski|Kowalska|Wiśniewski|Wójcik|Kamiński|Lewandowska|Zieliński|Szymańska|"
        "Woźniak|Dąbrowski|Kozłowski|Jabłońska|Mazur|Krawczyk|Skłodowska-Curie|Wałęsa|Grabowski|"
        "Pawlak|Sikorski|Żuławski|Ślązak",
    ),
    "icelandic": (
        "Björk Guðrún Sigurður Jón Ólafur Katrín Halldór Þóra Gunnar Ragnar Sigríður Einar Hildur "
        "Kristín Davíð Ásgeir Snorri Birgitta",
        "Guðmundsdóttir|Sigurðsson|Jónsdóttir|Ólafsson|Jakobsdóttir|Þórðarson|Gunnarsson|"
        "Einarsdóttir|Sturluson|Magnússon|Kristjánsdóttir|Helgason|Hauksdóttir|Finnbogadóttir",
    ),
    "dutch": (
        "Jan Pieter Sanne Daan Sem Lotte Femke Joost Wouter Ruud Marieke Anouk Bram Thijs Willem "
        "Saskia Maarten Floor Jeroen Guus",
        "van der Berg|van den Heuvel|de Vries|van Dijk|de Jong|Jansen|van Gogh|van 't Hoff|Bakker|"
        "ter Horst|ten Brink|van der Meer|de Boer|Van Damme|van de Velde|in 't Veld|Op den Kamp|"
        "Van Houten|Visser|Kuyper",
    ),
    "german": (
        "Lukas Jonas Karl Heinz Hans-Peter Karl-Heinz Anna-Lena Ursula Greta Jürgen Matthias "
        "Friederike Ulrike Wolfgang Klaus Heike Annegret Jörg Sabine Olaf",
        "von Braun|von der Leyen|Müller|Schröder|zu Guttenberg|Meyer-Landrut|Kramp-Karrenbauer|"
        "Strauß|Weiß|von Humboldt|Leutheusser-Schnarrenberger|Schäfer|Groß|Köhler|Vogel",
    ),
    "french": (
        "Jean-Pierre Marie-Claude Jean-Luc Anne-Sophie Benoît Amélie Chloé Étienne Guillaume "
        "Thérèse Gaël Inès Léa Maëlle Noémie François Hélène Cédric Aurélie Pierre-Yves",
        "de Villiers|Le Pen|Dupont|Lefèvre|du Plessis|Le Goff|de La Tour|d'Estaing|Beauchamp|"
        "Saint-Exupéry|L'Hermitte|des Forges|Moreau|Girard-Perrin|D'Aubigny|Mbappé|Béart|Le Clézio",
    ),
    "italian": (
        "Giulia Matteo Lorenzo Chiara Francesca Alessandro Gianluca Pier Paolo Luca Sofia "
        "Giuseppe Antonella Maria-Grazia Marco Elena Davide Ginevra",
        "Di Stefano|De Luca|D'Angelo|Della Valle|Lo Russo|La Rocca|Dell'Utri|Rossi|Esposito|"
        "de' Medici|da Vinci|Di Caprio|D'Amico|Bianchi|Colombo|Ricci|De Santis|Lollobrigida",
    ),
    "spanish": (
        "María José Juan Carlos Lucía Álvaro Íñigo Jesús Pilar Guadalupe Ximena Rocío Joaquín "
        "Miguel Ángel Itziar Núria Jordi Raúl Begoña",
        "de la Cruz|García Márquez|del Toro|López Obrador|de los Santos|Vargas Llosa|"
        "Ortega y Gasset|Fernández|Muñoz|Ibáñez|Núñez de Balboa|Sáenz de Santamaría|Peña Nieto|"
        "Ramírez|Castillo Rojas|Puig i Cadafalch|Allende",
    ),
    "nigerian": (
        "Oluwaseun Chidi Ngozi Adaeze Emeka Ifeoma Tunde Folake Chukwuemeka Amaka Yetunde "
        "Obinna Uche Musa Aminu Funmilayo Kehinde Taiwo Chiamaka Nneka Segun",
        "Adebayo|Okonkwo|Adebayo-Smith|Okafor|Eze|Nwosu|Achebe|Adeyemi|Obi-Johnson|Ogunleye|Bello|"
        "Danjuma|Abubakar|Olatunji|Soyinka|Okoro|Ekwueme|Adichie|Balogun-Davies|Nnamdi",
    ),
    "pakistani": (
        "Imran Bilal Usman Ayesha Sana Hina Zara Fahad Malala Shahid Nawaz Benazir Asif Mahira "
        "Kamran Waqar Sadia Rabia Javed",
        "Khan|Sheikh|Malik|Chaudhry|ul-Haq|Butt|Qureshi|Bhutto|Akhtar|Siddiqui|Yousafzai|Iqbal|"
        "Zia-ul-Haq|Mirza|Baig|Afridi|Shah|Hashmi|Ansari|Raza",
    ),
    "turkish": (
        "Mehmet Ayşe Emre Elif Orhan Zeynep Mustafa Ahmet Fatma Cem Deniz Hakan Burak Defne Selin "
        "Kemal Recep Tayyip Gülşen Ebru",
        "Yılmaz|Demir|Çelik|Şahin|Öztürk|Kaya|Pamuk|Erdoğan|Aydın|Arslan|Doğan|Koç|Özdemir|"
        "Karahan|Yıldırım|Polat|Güneş|Aksoy",
    ),
}


def romanize(name: str) -> str:
    """RETURNS (str): A Cyrillic or Greek name in Latin letters; letters of other scripts stay."""
    lower = name.lower()
    for pair, latin in _PAIRS.items():
        lower = lower.replace(pair, latin)
    latin = "".join(_LETTERS.get(letter, letter) for letter in lower)
    return latin.title() if latin != name.lower() else name
